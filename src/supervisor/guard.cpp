#include "supervisor/guard.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace hilo {
namespace {

// What travels through the pipe; short enough to arrive whole.
struct Notice {
  pid_t group;
  bool watch;
};

bool read_notice(int pipe, Notice& notice) {
  ssize_t received = 0;
  do received = ::read(pipe, &notice, sizeof(notice));
  while (received < 0 && errno == EINTR);
  return received == sizeof(notice);
}

// Nothing of ours stays open in the guard: whoever waits for the end of our output must not wait
// for it, too.
void keep_only(int pipe) {
  const int nothing = ::open("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (nothing >= 0) ::dup2(nothing, standard);
  ::dup2(pipe, STDERR_FILENO + 1);
  ::close_range(STDERR_FILENO + 2, ~0U, 0);
}

[[noreturn]] void run_guard(int pipe) {
  ::setsid();  // A signal to all of our group, as a terminal sends it, does not reach the guard.
  ::prctl(PR_SET_NAME, "hilo-guard");
  keep_only(pipe);
  std::vector<pid_t> groups;
  for (Notice notice{}; read_notice(STDERR_FILENO + 1, notice);) {
    std::erase(groups, notice.group);
    if (notice.watch) groups.push_back(notice.group);
  }
  for (const pid_t group : groups) ::kill(-group, SIGKILL);
  ::_exit(0);
}

void tell(const UniqueFd& pipe, const Notice& notice) {
  // A guard that somebody has killed cannot be told; the programs still end with us.
  [[maybe_unused]] const ssize_t written = ::write(pipe.get(), &notice, sizeof(notice));
}

}  // namespace

Result<std::unique_ptr<Guard>> Guard::start() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return Error{fmt::format("cannot make a pipe to the guard: {}", std::strerror(errno))};
  const UniqueFd read_end{ends[0]};
  UniqueFd write_end{ends[1]};
  const pid_t pid = ::fork();
  if (pid == 0) run_guard(read_end.get());
  if (pid < 0) return Error{fmt::format("cannot start the guard: {}", std::strerror(errno))};
  return std::unique_ptr<Guard>{new Guard{pid, std::move(write_end)}};
}

Guard::~Guard() {
  forget_empty_groups();
  pipe_.reset();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Guard::watch(pid_t group) {
  groups_.push_back(group);
  tell(pipe_, {group, true});
}

void Guard::forget_empty_groups() {
  std::erase_if(groups_, [this](pid_t group) {
    const bool empty = ::kill(-group, 0) != 0 && errno == ESRCH;
    if (empty) tell(pipe_, {group, false});
    return empty;
  });
}

}  // namespace hilo
