#include "backend/yield_gate.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace hilo {
namespace {

// Fails if a gate stays open when its time is over, or does not let pass when it is given more.
TEST(YieldGate, IsOpenForATime) {
  YieldGate gate;
  gate.keep_open_until(YieldGate::shut);
  EXPECT_TRUE(gate.is_shut());
  std::atomic<bool> may{false};
  std::thread low{[&] {
    EXPECT_TRUE(gate.pass());
    EXPECT_TRUE(may);
  }};
  gate.keep_open_until(monotonic_now());  // Over already.
  EXPECT_FALSE(gate.is_shut());
  may = true;
  gate.keep_open_until(YieldGate::unlimited);
  low.join();
}

// Fails if a gate with time left ignores who closes it.
TEST(YieldGate, ClosedCountsWhateverTheTime) {
  YieldGate gate;
  gate.keep_open_until(monotonic_now() + 3600 * second_ns);
  EXPECT_TRUE(gate.pass());
  gate.close();
  std::atomic<bool> may{false};
  std::thread low{[&] {
    EXPECT_TRUE(gate.pass());
    EXPECT_TRUE(may);
  }};
  may = true;
  gate.open();
  low.join();
}

// Fails if work that nobody wants waits for its time.
TEST(YieldGate, AbandonedWorkDoesNotWaitForTime) {
  YieldGate gate;
  gate.keep_open_until(YieldGate::shut);
  std::thread low{[&] { EXPECT_FALSE(gate.pass()); }};
  gate.abandon();
  low.join();
  gate.keep_open_until(YieldGate::shut);
  EXPECT_FALSE(gate.pass());
}

}  // namespace
}  // namespace hilo
