#include "supervisor/guard.h"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "supervisor/child.h"

namespace hilo {
namespace {

// A pipe whose reading end ends when all who hold its writing end have ended.
struct LifeLine {
  LifeLine() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  UniqueFd reader, writer;
};

// Goal: an engine that is killed takes with it what its programs have started.
// Method: a stand-in for the engine starts a shell with a child of its own, both on a life line,
// and is killed. Without the guard, the shell's child holds the line for 100 s.
TEST(Guard, EndsWholeGroupsAfterUs) {
  LifeLine line;
  const pid_t engine = ::fork();
  ASSERT_GE(engine, 0);
  if (engine == 0) {
    ::dup2(line.writer.get(), STDOUT_FILENO);
    line.writer.reset();
    const auto guard = Guard::start();
    const auto pid = start_child({.arguments = {"sh", "-c", "sleep 100 & echo started; wait"}});
    if (!guard.ok() || !pid.ok()) ::_exit(1);
    (*guard)->watch(*pid);
    if (::write(STDOUT_FILENO, "watched\n", 8) == 8) ::pause();
    ::_exit(1);
  }
  line.writer.reset();
  // The shell has started its child, and the guard was told, in either order.
  std::string said;
  std::array<char, 32> text{};
  while (said.find("started\n") == said.npos || said.find("watched\n") == said.npos) {
    const ssize_t bytes = ::read(line.reader.get(), text.data(), text.size());
    ASSERT_GT(bytes, 0) << said;
    said.append(text.data(), static_cast<size_t>(bytes));
  }
  ::kill(engine, SIGKILL);
  ASSERT_EQ(::waitpid(engine, nullptr, 0), engine);
  EXPECT_EQ(::read(line.reader.get(), text.data(), text.size()), 0);
}

// Goal: an orderly end leaves neither the guard nor a zombie of it.
TEST(Guard, LeavesWithUs) {
  auto guard = Guard::start();
  ASSERT_TRUE(guard.ok());
  const auto program = start_child({.arguments = {"true"}});
  ASSERT_TRUE(program.ok());
  (*guard)->watch(*program);
  ASSERT_EQ(::waitpid(*program, nullptr, 0), *program);
  guard->reset();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

// Goal: a group is not forgotten with its leader. Method: the leader has ended and left a child
// that holds a life line; the guard is let go and must still end it.
TEST(Guard, RemembersAGroupUntilItIsEmpty) {
  LifeLine line;
  const pid_t leader = ::fork();
  ASSERT_GE(leader, 0);
  if (leader == 0) {
    ::setpgid(0, 0);
    if (::fork() == 0) ::sleep(100);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(leader, nullptr, 0), leader);
  line.writer.reset();
  auto guard = Guard::start();
  ASSERT_TRUE(guard.ok());
  (*guard)->watch(leader);
  (*guard)->forget_empty_groups();
  guard->reset();  // Its member is left, so the guard still has it on its list.
  std::array<char, 1> text{};
  EXPECT_EQ(::read(line.reader.get(), text.data(), text.size()), 0);
}

}  // namespace
}  // namespace hilo
