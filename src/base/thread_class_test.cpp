#include "base/thread_class.h"

#include <fstream>
#include <sched.h>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace hilo {
namespace {

// Of the calling thread in nanoseconds, as the kernel tells it; 0 where it does not.
double slice_ns() {
  std::ifstream file{"/proc/thread-self/sched"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("se.slice ")) return std::stod(line.substr(line.find(':') + 1));
  return 0;
}

TEST(ThreadClass, AThreadGetsShortSlicesWithoutARight) {
  double before = 0;
  double after = 0;
  std::thread{[&] {
    before = slice_ns();
    ask_for_short_slices();
    after = slice_ns();
  }}.join();
  if (before == 0) GTEST_SKIP() << "this kernel does not tell the slices of threads";
  if (before == after) GTEST_SKIP() << "this kernel has no slices of threads (Linux 6.12 has)";
  EXPECT_LT(after, before);
}

TEST(ThreadClass, AThreadThatRunsWhenIdleIsInTheIdleClass) {
  bool allowed = false;
  int policy = -1;
  std::thread{[&] {
    allowed = run_only_when_idle();
    policy = ::sched_getscheduler(0);
  }}.join();
  if (!allowed) GTEST_SKIP() << "the kernel refuses SCHED_IDLE here";
  EXPECT_EQ(policy, SCHED_IDLE);
}

}  // namespace
}  // namespace hilo
