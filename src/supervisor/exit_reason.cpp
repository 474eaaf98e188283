#include "supervisor/exit_reason.h"

#include <csignal>
#include <cstring>
#include <sys/wait.h>

#include <fmt/format.h>

#include "base/ensure.h"

namespace hilo {

ExitReason exit_reason_of(int wait_status) {
  if (WIFEXITED(wait_status)) return {ExitReason::Kind::exited, WEXITSTATUS(wait_status)};
  ENSURE(WIFSIGNALED(wait_status));
  return {ExitReason::Kind::killed, WTERMSIG(wait_status)};
}

std::string describe(ExitReason reason) {
  if (reason.kind == ExitReason::Kind::exited)
    return fmt::format("exited with status {}", reason.number);
  const char* name = ::sigabbrev_np(reason.number);  // Real-time signals have none.
  return name != nullptr ? fmt::format("was killed by SIG{}", name)
                         : fmt::format("was killed by signal {}", reason.number);
}

}  // namespace hilo
