#include "backend/cuda/quantum_gate.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr uint32_t quantum = 2000;

TEST(QuantumRules, LowLaunchesOneQuantumAtATime) {
  QuantumRules rules(0.05);
  rules.low_waits();
  ASSERT_TRUE(rules.low_may_launch(quantum));
  rules.low_launches(quantum);
  rules.low_waits();
  EXPECT_FALSE(rules.low_may_launch(quantum));
  rules.low_ends();
  EXPECT_TRUE(rules.low_may_launch(quantum));
}

TEST(QuantumRules, NoQuantumIsLaunchedWhileHighHasAnythingToDo) {
  QuantumRules rules(0.05);
  rules.low_waits();
  rules.high_comes();
  rules.high_comes();
  EXPECT_FALSE(rules.low_may_launch(1));
  rules.high_goes(10);
  EXPECT_FALSE(rules.low_may_launch(1));
  rules.high_goes(10);
  EXPECT_TRUE(rules.low_may_launch(quantum));
}

// What HIGH does while no LOW waits earns LOW nothing, so LOW cannot save up for a burst.
TEST(QuantumRules, OnlyWhoWaitsEarns) {
  QuantumRules rules(0.5);
  rules.high_comes();
  rules.high_goes(1'000'000);
  rules.high_comes();
  rules.low_waits();
  EXPECT_FALSE(rules.low_may_launch(1));
}

// Goal: LOW gets its share, and no more, of a GPU that HIGH would take whole. Method: steps in
// which HIGH computes a text and LOW launches whenever it may.
TEST(QuantumRules, LowGetsItsShareBesideHighWithoutEnd) {
  for (const double share : {0.01, 0.05, 0.3}) {
    QuantumRules rules(share);
    double high = 0.0;
    double low = 0.0;
    rules.high_comes();
    rules.low_waits();
    for (int step = 0; step < 100'000; ++step) {
      rules.high_comes();
      rules.high_goes(30);
      high += 30;
      if (!rules.low_may_launch(quantum)) continue;
      rules.low_launches(quantum);
      low += quantum;
      rules.low_ends();
      rules.low_waits();
    }
    EXPECT_NEAR(low / (low + high), share, 0.002);
  }
}

// Threads of HIGH and LOW: never two quanta at once, and everybody gets through.
TEST(QuantumGate, HoldsForThreads) {
  QuantumGate gate(0.05);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  const auto low = [&] {
    for (int i = 0; i < 200; ++i) {
      gate.low_comes(quantum);
      const int now = ++running;
      if (now > most) most = now;
      --running;
      gate.low_ends();
    }
  };
  std::thread first(low);
  std::thread second(low);
  for (int i = 0; i < 200; ++i) {
    gate.high_comes();
    gate.high_goes(30);
  }
  first.join();
  second.join();
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace hilo
