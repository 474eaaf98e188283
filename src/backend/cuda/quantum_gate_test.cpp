#include "backend/cuda/quantum_gate.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr uint32_t quantum = 2000;
constexpr Instant now{1'000'000'000};
constexpr Nanoseconds took = 300 * microsecond_ns;  // a quantum
constexpr Instant end = now + took;
constexpr Instant launch = end + -QuantumRules::launch_time;

// LOW has had a quantum before, so that it is known how long one takes, and has one there now.
QuantumRules with_low_at_work() {
  QuantumRules rules(0.05);
  rules.low_waits();
  rules.low_launches(quantum, {});
  rules.low_ends(quantum, took, now);
  rules.low_waits();
  rules.low_launches(quantum, now);
  rules.low_waits();
  return rules;
}

TEST(QuantumRules, LowLaunchesOneQuantumAtATime) {
  QuantumRules rules(0.05);
  rules.low_waits();
  ASSERT_TRUE(rules.low_may_launch(quantum, now));
  rules.low_launches(quantum, now);
  rules.low_waits();
  EXPECT_FALSE(rules.low_may_launch(quantum, end));
  EXPECT_EQ(rules.next_launch(), QuantumRules::unknown);
  rules.low_ends(quantum, took, end);
  EXPECT_TRUE(rules.low_may_launch(quantum, end));
}

TEST(QuantumRules, TheNextIsLaunchedAMomentBeforeTheEnd) {
  QuantumRules rules = with_low_at_work();
  EXPECT_EQ(rules.next_launch(), launch);
  EXPECT_FALSE(rules.low_may_launch(quantum, launch + -1));
  ASSERT_TRUE(rules.low_may_launch(quantum, launch));
  rules.low_launches(quantum, launch);
  rules.low_waits();
  // Of two that were launched none is doubled; then one takes the place of the other.
  EXPECT_EQ(rules.next_launch(), QuantumRules::unknown);
  EXPECT_FALSE(rules.low_may_launch(quantum, end + took));
  rules.low_ends(quantum, took, end + 7);
  EXPECT_EQ(rules.next_launch(), launch + took + 7);
}

TEST(QuantumRules, NothingIsLaunchedAheadOnceHighIsThere) {
  QuantumRules rules = with_low_at_work();
  rules.high_comes();
  EXPECT_FALSE(rules.low_may_launch(1, end + took));
  rules.high_goes(1'000'000);  // It is owed, and waits for its own all the same.
  rules.high_comes();
  EXPECT_FALSE(rules.low_may_launch(1, end + took));
  rules.high_goes(1);
  EXPECT_TRUE(rules.low_may_launch(1, launch));
}

TEST(QuantumRules, AQuantumOfAnotherSizeTakesAnotherTime) {
  QuantumRules rules = with_low_at_work();
  rules.low_launches(quantum / 8, launch);  // How long these take nobody knows.
  rules.low_ends(quantum, took, end);
  EXPECT_EQ(rules.next_launch(), QuantumRules::unknown);
}

TEST(QuantumRules, NoQuantumIsLaunchedWhileHighHasAnythingToDo) {
  QuantumRules rules(0.05);
  rules.low_waits();
  rules.high_comes();
  rules.high_comes();
  EXPECT_FALSE(rules.low_may_launch(1, now));
  rules.high_goes(10);
  EXPECT_FALSE(rules.low_may_launch(1, now));
  rules.high_goes(10);
  EXPECT_TRUE(rules.low_may_launch(quantum, now));
}

// What HIGH does while no LOW waits earns LOW nothing, so LOW cannot save up for a burst.
TEST(QuantumRules, OnlyWhoWaitsEarns) {
  QuantumRules rules(0.5);
  rules.high_comes();
  rules.high_goes(1'000'000);
  rules.high_comes();
  rules.low_waits();
  EXPECT_FALSE(rules.low_may_launch(1, now));
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
      if (!rules.low_may_launch(quantum, now)) continue;
      rules.low_launches(quantum, now);
      low += quantum;
      rules.low_ends(quantum, took, now);
      rules.low_waits();
    }
    EXPECT_NEAR(low / (low + high), share, 0.002);
  }
}

// Threads of HIGH and LOW: never more than one quanta and the next, and everybody gets through.
TEST(QuantumGate, HoldsForThreads) {
  QuantumGate gate(0.05);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  const auto low = [&] {
    for (int i = 0; i < 200; ++i) {
      gate.low_comes(quantum);
      const int now_running = ++running;
      if (now_running > most) most = now_running;
      --running;
      gate.low_ends(quantum, took);
    }
  };
  std::thread first(low);
  std::thread second(low);
  std::thread third(low);
  for (int i = 0; i < 200; ++i) {
    gate.high_comes();
    gate.high_goes(30);
  }
  first.join();
  second.join();
  third.join();
  EXPECT_LE(most, 2);
}

}  // namespace
}  // namespace hilo
