#include "supervisor/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/unique_fd.h"
#include "protocol/handshake.h"
#include "supervisor/command.h"

namespace hilo {
namespace {

constexpr int channel_first = 3;
constexpr int past_channel = channel_first + static_cast<int>(channel_descriptors);

// What the child writes to the pipe when it cannot become the program. Closing the pipe by a
// successful exec is the good news.
struct Failure {
  enum class Step : int { channel, standard_input, exec };
  Step step;
  int error;
};

// Everything the child needs, made before fork: afterwards nothing may allocate, because another
// thread may have held the allocator's lock at the fork.
struct Prepared {
  std::string program;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const Launch* channel;
  pid_t parent;
  int failure_pipe;
};

void become_default(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);  // Refused for the few that cannot change: no matter.
}

// Dispositions and the mask survive exec: a program that inherits ours would be deaf to SIGTERM.
void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) become_default(signal);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void fail(const Prepared& prepared, Failure::Step step) {
  const Failure failure{step, errno};
  // If the parent cannot be told, the exit status has to do.
  [[maybe_unused]] const ssize_t written =
      ::write(prepared.failure_pipe, &failure, sizeof(failure));
  ::_exit(127);
}

// Async-signal-safe calls only.
[[noreturn]] void run_child(const Prepared& prepared) {
  ::setpgid(0, 0);
  // Programs need no clean-up that would be worth outliving the engine for.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(127);  // It died before the line above.
  reset_signals();

  // A background process group that reads from the terminal would be stopped.
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0)
    fail(prepared, Failure::Step::standard_input);
  if (prepared.channel != nullptr && !prepared.channel->inherit(channel_first))
    fail(prepared, Failure::Step::channel);
  // Ours are close-on-exec already. This is for what we inherited from whoever started us.
  ::close_range(prepared.channel != nullptr ? past_channel : channel_first, ~0U,
                CLOSE_RANGE_CLOEXEC);
  ::execve(prepared.program.c_str(), prepared.arguments.data(), prepared.environment.data());
  fail(prepared, Failure::Step::exec);
}

// Our environment without a channel of our own, plus `channel` if there is one.
std::vector<char*> environment_with(std::string& channel) {
  const std::string replaced = fmt::format("{}=", channel_variable);
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!std::string_view{*entry}.starts_with(replaced)) environment.push_back(*entry);
  if (!channel.empty()) environment.push_back(channel.data());
  environment.push_back(nullptr);
  return environment;
}

std::string describe(const Failure& failure, const std::string& program) {
  switch (failure.step) {
    case Failure::Step::channel:
      return fmt::format("cannot give '{}' its channel: {}", program, ::strerror(failure.error));
    case Failure::Step::standard_input:
      return fmt::format("cannot open /dev/null for '{}': {}", program, ::strerror(failure.error));
    case Failure::Step::exec:
      break;
  }
  // find_program() saw the file itself.
  if (failure.error == ENOENT)
    return fmt::format("cannot start '{}': the interpreter that it names is missing", program);
  if (failure.error == ENOEXEC)
    return fmt::format(
        "cannot start '{}': it is neither a program for this machine nor a script "
        "that begins with #!",
        program);
  return fmt::format("cannot start '{}': {}", program, ::strerror(failure.error));
}

// Blocks until the child has executed the program (the pipe closes) or has said why it cannot.
Status await_exec(pid_t pid, const UniqueFd& pipe, const std::string& program) {
  Failure failure{};
  ssize_t received = 0;
  do received = ::read(pipe.get(), &failure, sizeof(failure));
  while (received < 0 && errno == EINTR);
  if (received == 0) return {};
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return Error{describe(failure, program)};
}

}  // namespace

Result<pid_t> start_child(const ChildSpec& spec) {
  const char* const search_path = std::getenv("PATH");
  auto program =
      find_program(spec.arguments.front(),
                   search_path != nullptr ? search_path : "/usr/local/bin:/usr/bin:/bin");
  if (!program) return program.error();

  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return Error{fmt::format("cannot make a pipe to start '{}': {}", *program, ::strerror(errno))};
  UniqueFd read_end{ends[0]};
  UniqueFd low_write_end{ends[1]};
  // Above the numbers that the channel's descriptors are about to take.
  UniqueFd write_end{::fcntl(low_write_end.get(), F_DUPFD_CLOEXEC, past_channel)};
  low_write_end.reset();
  if (!write_end.valid())
    return Error{fmt::format("cannot make a pipe to start '{}': {}", *program, ::strerror(errno))};

  std::string channel = spec.channel != nullptr ? Launch::variable(channel_first) : std::string{};
  Prepared prepared{.program = *program,
                    .arguments = {},
                    .environment = environment_with(channel),
                    .channel = spec.channel,
                    .parent = ::getpid(),
                    .failure_pipe = write_end.get()};
  for (const std::string& argument : spec.arguments)
    prepared.arguments.push_back(const_cast<char*>(argument.c_str()));  // execve() changes nothing.
  prepared.arguments.push_back(nullptr);

  const pid_t pid = ::fork();
  if (pid == 0) run_child(prepared);
  if (pid < 0) return Error{fmt::format("cannot start '{}': {}", *program, ::strerror(errno))};
  ::setpgid(pid, pid);  // By whoever comes first, so that the group exists when we signal it.
  write_end.reset();
  if (Status status = await_exec(pid, read_end, *program); !status) return status.error();
  return pid;
}

}  // namespace hilo
