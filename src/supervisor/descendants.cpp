#include "supervisor/descendants.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ensure.h"

namespace hilo {

void adopt_orphans() { ENSURE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); }

std::vector<pid_t> list_children() {
  std::vector<pid_t> children;
  std::error_code error;
  // An orphan may be given to any thread of ours, and each thread lists its own.
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task", error}) {
    std::ifstream list{task.path() / "children"};
    for (pid_t pid = 0; list >> pid;) children.push_back(pid);
  }
  return children;
}

std::optional<Ended> reap_one() {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
    return std::nullopt;
  ::kill(-info.si_pid, SIGTERM);  // Fails where it led no group, or left nothing.
  int wait_status = 0;
  ENSURE(::waitpid(info.si_pid, &wait_status, 0) == info.si_pid);
  return Ended{info.si_pid, exit_reason_of(wait_status)};
}

}  // namespace hilo
