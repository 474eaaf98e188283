#include "supervisor/child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "supervisor/exit_reason.h"

namespace hilo {
namespace {

using testing::HasSubstr;

ChannelSpec spec() { return {.dims = 8, .tokens_max = 16, .info = "{}"}; }

// Reaps a child that must end by itself; the test's own time limit is the watchdog.
ExitReason await(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return exit_reason_of(status);
}

// Runs a script with the given channel and says how it ended.
ExitReason run_script(const std::string& script, const Launch* channel = nullptr) {
  const auto pid = start_child({.arguments = {"sh", "-c", script}, .channel = channel});
  EXPECT_TRUE(pid.ok());
  return pid.ok() ? await(*pid) : ExitReason{ExitReason::Kind::exited, -1};
}

// A path that no other test uses, removed at the end.
class ScratchFile {
 public:
  ScratchFile() {
    std::string name = testing::TempDir() + "hilo_child_XXXXXX";
    UniqueFd{::mkstemp(name.data())};
    path_ = name;
  }
  ~ScratchFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }
  void write(const std::string& text) { std::ofstream{path_} << text; }

 private:
  std::string path_;
};

TEST(Child, TellsHowItEnded) {
  EXPECT_EQ(describe(run_script("exit 0")), "exited with status 0");
  EXPECT_EQ(describe(run_script("exit 3")), "exited with status 3");
  EXPECT_EQ(describe(run_script("kill -SEGV $$")), "was killed by SIGSEGV");
}

// Goal: what cannot be started is told in words, and leaves neither a zombie nor a descriptor.
TEST(Child, SaysWhyItCannotStart) {
  ScratchFile file;
  const auto reason = [](const std::string& program) {
    const auto pid = start_child({.arguments = {program}});
    return pid.ok() ? "started" : pid.error().message;
  };
  EXPECT_THAT(reason("/no/such/program"), HasSubstr("'/no/such/program': No such file"));
  EXPECT_THAT(reason("no-such-program"), HasSubstr("no such program in PATH"));
  EXPECT_THAT(reason(file.path()), HasSubstr("not an executable file"));
  ASSERT_EQ(::chmod(file.path().c_str(), 0700), 0);
  file.write("#!/no/such/interpreter\n");
  EXPECT_THAT(reason(file.path()), HasSubstr("interpreter that it names is missing"));
  file.write("neither program nor script");
  EXPECT_THAT(reason(file.path()), HasSubstr("neither a program for this machine nor a script"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// Goal: the four descriptors arrive under the numbers that the variable names, and no other does.
// Method: a decoy that is not close-on-exec, as a careless parent of ours would leave behind.
TEST(Child, InheritsItsChannelAndNothingElse) {
  const UniqueFd decoy{::fcntl(STDERR_FILENO, F_DUPFD, 50)};
  auto launch = Launch::prepare(spec(), LaneRights::high);
  ASSERT_TRUE(launch.ok()) << launch.error().message;
  ScratchFile list;
  const std::string script =
      "exec > " + list.path() + "; echo $HILO_CHANNEL; ls /proc/$$/fd; readlink /proc/$$/fd/0";
  ASSERT_TRUE(run_script(script, &*launch).success());
  std::ifstream file{list.path()};
  const std::vector<std::string> lines{std::istream_iterator<std::string>{file}, {}};
  EXPECT_THAT(lines,
              testing::ElementsAre("3,4,5,6", "0", "1", "2", "3", "4", "5", "6", "/dev/null"));
}

// Goal: a channel that was meant for us is not passed on to a program that has none.
TEST(Child, DoesNotInheritOurOwnChannelVariable) {
  ASSERT_EQ(::setenv("HILO_CHANNEL", "3,4,5,6", 1), 0);
  EXPECT_TRUE(run_script("test -z \"$HILO_CHANNEL\"").success());
  ASSERT_EQ(::unsetenv("HILO_CHANNEL"), 0);
}

// Goal: neither our mask nor our ignored signals reach the program.
TEST(Child, BeginsWithACleanSignalState) {
  sigset_t set, before;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, &before);
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(describe(run_script("kill -TERM $$; exit 0")), "was killed by SIGTERM");
  EXPECT_EQ(describe(run_script("kill -PIPE $$; exit 0")), "was killed by SIGPIPE");
  ::signal(SIGPIPE, old_handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Child, LeadsItsOwnProcessGroup) {
  const auto pid = start_child({.arguments = {"sleep", "100"}});
  ASSERT_TRUE(pid.ok());
  EXPECT_EQ(::getpgid(*pid), *pid);
  ::kill(-*pid, SIGKILL);
  EXPECT_EQ(describe(await(*pid)), "was killed by SIGKILL");
}

// Goal: the program dies with us, however we die.
// Method: a process between us and the program, killed with SIGKILL; the program holds the write
// end of a pipe, which therefore ends when it does.
TEST(Child, DiesWithItsParent) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader{ends[0]};
  UniqueFd writer{ends[1]};
  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    ::dup2(writer.get(), STDOUT_FILENO);
    const auto pid = start_child({.arguments = {"sh", "-c", "echo started; exec sleep 100"}});
    if (!pid.ok()) ::_exit(1);
    ::pause();
  }
  writer.reset();
  std::array<char, 16> line{};
  ASSERT_GT(::read(reader.get(), line.data(), line.size()), 0);
  ::kill(parent, SIGKILL);
  EXPECT_EQ(describe(await(parent)), "was killed by SIGKILL");
  EXPECT_EQ(::read(reader.get(), line.data(), line.size()), 0);  // Ends, or the test times out.
}

}  // namespace
}  // namespace hilo
