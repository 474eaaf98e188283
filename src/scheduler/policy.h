// What the scheduler may be told. docs/SCHEDULING.md says what follows from each.
#pragma once

#include <array>

#include "base/clock.h"
#include "protocol/lane.h"

namespace hilo {

struct Policy {
  // LOW's least share of compute time while HIGH saturates the cores: 0 to 0.5.
  double low_share = 0.05;
  // The predicted time of a plan of several tasks, by lane. LOW's is also how long HIGH leaves a
  // core to LOW when LOW claims its share.
  std::array<Nanoseconds, lane_count> quantum{20 * millisecond_ns, 10 * millisecond_ns};
  // Admitted work for each core, in predicted compute time, by lane. LOW's is counted together with
  // HIGH's, which goes before it.
  std::array<Nanoseconds, lane_count> work_max{5 * second_ns, 60 * second_ns};
};

}  // namespace hilo
