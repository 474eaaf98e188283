// How much work is taken in: by lane, in predicted compute time of everything admitted and not yet
// completed. What is refused is refused at the door, LOW first; what is admitted is never put out
// again. Plain data: no clock, no thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "protocol/bounds.h"
#include "protocol/lane.h"
#include "scheduler/policy.h"

namespace hilo {

class Admission {
 public:
  Admission(const Policy& policy, uint32_t cores);

  // Nothing: admit it. Otherwise refuse it, and say after how long to try again.
  //
  // A client that has a lane to itself is not refused: its credits bound it. Nor is one that has
  // less than its part of the lane's work, or nothing yet, so that who came first cannot keep
  // others out.
  std::optional<Nanoseconds> refuses(uint32_t client, Lane lane, Nanoseconds work) const;

  void admitted(uint32_t client, Lane lane, Nanoseconds work);
  void completed(uint32_t client, Lane lane, Nanoseconds work);

  Nanoseconds work(Lane lane) const { return work_[lane_index(lane)]; }
  // The most that can be admitted in a lane, if no client alone can have more than `credits`, and
  // no task is larger than `task`.
  Nanoseconds bound(Lane lane, Nanoseconds credits, Nanoseconds task) const;

 private:
  uint32_t cores_;
  std::array<Nanoseconds, lane_count> work_max_;
  std::array<Nanoseconds, lane_count> work_{};
  std::array<std::array<Nanoseconds, lane_count>, clients_max> work_of_client_{};
};

}  // namespace hilo
