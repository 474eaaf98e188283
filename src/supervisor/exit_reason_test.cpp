#include "supervisor/exit_reason.h"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace hilo {
namespace {

// Goal: the words an operator reads name what the kernel reported.
// Method: real processes that end in each way, reaped with waitpid().
template <class Body>
ExitReason reason_of_process(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    body();
    ::_exit(99);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return exit_reason_of(status);
}

TEST(ExitReason, SuccessIsStatusZero) {
  const ExitReason reason = reason_of_process([] { ::_exit(0); });
  EXPECT_TRUE(reason.success());
  EXPECT_EQ(describe(reason), "exited with status 0");
}

TEST(ExitReason, StatusIsNamed) {
  const ExitReason reason = reason_of_process([] { ::_exit(3); });
  EXPECT_FALSE(reason.success());
  EXPECT_EQ(describe(reason), "exited with status 3");
}

TEST(ExitReason, SignalIsNamed) {
  const ExitReason reason = reason_of_process([] { ::raise(SIGKILL); });
  EXPECT_FALSE(reason.success());
  EXPECT_EQ(describe(reason), "was killed by SIGKILL");
}

TEST(ExitReason, SignalWithoutNameIsNumbered) {
  const int signal = SIGRTMIN + 1;
  const ExitReason reason = reason_of_process([signal] { ::raise(signal); });
  EXPECT_EQ(describe(reason), "was killed by signal " + std::to_string(signal));
}

}  // namespace
}  // namespace hilo
