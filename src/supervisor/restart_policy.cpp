#include "supervisor/restart_policy.h"

#include <algorithm>

namespace hilo {

std::optional<Restart> plan_restart(const RestartPolicy& policy, ExitReason reason,
                                    Nanoseconds ran_for, uint32_t in_a_row) {
  if (policy.when == RestartWhen::never || reason.success()) return std::nullopt;
  if (reason.kind == ExitReason::Kind::exited && reason.number == policy.hopeless_status)
    return std::nullopt;
  if (ran_for >= policy.settled_after) in_a_row = 0;
  if (in_a_row >= policy.in_a_row_max) return std::nullopt;

  Nanoseconds delay = std::min(policy.delay_first, policy.delay_max);
  for (uint32_t doubling = 0; doubling < in_a_row && delay < policy.delay_max; ++doubling)
    delay = delay > policy.delay_max / 2 ? policy.delay_max : delay * 2;
  return Restart{delay, in_a_row + 1};
}

}  // namespace hilo
