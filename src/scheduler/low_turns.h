// Which cores are left to LOW at the moment, because its share is due: their HIGH workers get no
// plan until all that was owed is paid, or LOW has nothing more to do there. Cores that are LOW's
// at the same time pay together. Plain data: no clock, no thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "scheduler/low_share.h"
#include "scheduler/policy.h"

namespace hilo {

class LowTurns {
 public:
  LowTurns(const Policy& policy, uint32_t cores)
      : share_(policy.low_share, policy.quantum[lane_index(Lane::low)]), turns_(cores) {}

  // Charges the turns with the time that has passed, and ends them when all is paid.
  void advance(Instant now);
  bool due() const { return share_.due(); }
  bool is_on(uint32_t core) const { return turns_[core].on; }
  // Whether LOW may have another core. One is enough for each quantum that is owed, but a plan that
  // LOW has begun can go on nowhere else.
  bool may_begin(bool has_begun_there) const {
    return due() && (on_ == 0 || has_begun_there || share_.owes(on_ + 1));
  }
  void begin(uint32_t core);
  void end(uint32_t core);
  // When all will be paid; `never` if LOW has no turn.
  Instant next_end() const;

  void high_computed(Nanoseconds took) { share_.high_computed(took); }
  // A LOW plan is finished on that core, after so much compute time.
  void low_finished(uint32_t core, Nanoseconds took);
  // There is no LOW work at all.
  void nothing_waits();

 private:
  struct Turn {
    bool on = false;
    Nanoseconds charged = 0;  // what the plan under way had in turns; not to be charged again
  };
  void end_all();

  LowShare share_;
  Instant charged_until_{};
  uint32_t on_ = 0;
  std::vector<Turn> turns_;  // by core
};

}  // namespace hilo
