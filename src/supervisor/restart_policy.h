// Whether and when an ended program is started again: a pure function of how it ended.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "supervisor/exit_reason.h"

namespace hilo {

enum class RestartWhen { never, on_failure };

struct RestartPolicy {
  RestartWhen when = RestartWhen::never;
  Nanoseconds delay_first = 250 * millisecond_ns;  // Doubled for each restart in a row ...
  Nanoseconds delay_max = 30 * second_ns;          // ... up to this.
  Nanoseconds settled_after = 60 * second_ns;  // A run this long ends the row: it had started well.
  uint32_t in_a_row_max = 8;                   // Then the program is given up.
  // An exit with this status would only be repeated: it is for good.
  std::optional<int> hopeless_status = {};
};

struct Restart {
  Nanoseconds delay = 0;
  uint32_t in_a_row = 0;  // counting this one
};

// `in_a_row` counts the restarts before the run that has just ended.
std::optional<Restart> plan_restart(const RestartPolicy& policy, ExitReason reason,
                                    Nanoseconds ran_for, uint32_t in_a_row);

}  // namespace hilo
