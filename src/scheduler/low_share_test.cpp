#include "scheduler/low_share.h"

#include <cmath>

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr Nanoseconds quantum = 10 * millisecond_ns;

// HIGH computes without end, `step` at a time, and LOW as long as it is due.
struct Saturated {
  Nanoseconds high = 0;
  Nanoseconds low = 0;
  Nanoseconds low_waited_most = 0;
};
Saturated saturate(LowShare& share, Nanoseconds step, int steps) {
  Saturated total;
  Nanoseconds since_low = 0;
  for (int i = 0; i < steps; ++i) {
    share.high_computed(step);
    total.high += step;
    since_low += step;
    if (!share.due()) continue;
    const auto turn = static_cast<Nanoseconds>(std::ceil(share.owed()));
    share.low_computed(turn);
    EXPECT_FALSE(share.due());
    total.low += turn;
    total.low_waited_most = std::max(total.low_waited_most, since_low);
    since_low = 0;
  }
  return total;
}

// Fails if LOW gets less than its share, or HIGH is slowed by more.
TEST(LowShare, IsExact) {
  for (const double wanted : {0.01, 0.05, 0.2, 0.5}) {
    LowShare share{wanted, quantum};
    const Saturated got = saturate(share, 3 * millisecond_ns, 100'000);
    EXPECT_NEAR(static_cast<double>(got.low) / static_cast<double>(got.low + got.high), wanted,
                0.001);
  }
}

// Fails if LOW has to wait for longer than until a quantum is owed.
TEST(LowShare, IsDueWithTheFirstQuantumOwed) {
  LowShare share{0.05, quantum};
  EXPECT_LE(saturate(share, millisecond_ns, 10'000).low_waited_most, 19 * quantum + millisecond_ns);
}

TEST(LowShare, NothingIsGrantedWhereNoneIsPromised) {
  LowShare share{0, quantum};
  EXPECT_EQ(saturate(share, millisecond_ns, 10'000).low, 0);
}

// Fails if LOW work on cores that HIGH left idle does not pay, or pays for ever.
TEST(LowShare, WhatLowHadAnywayCounts) {
  LowShare share{0.5, quantum};
  share.low_computed(second_ns);
  share.high_computed(quantum);
  EXPECT_FALSE(share.due());
  share.high_computed(quantum);
  EXPECT_TRUE(share.due());
}

// Fails if time in which LOW had nothing to do makes it due.
TEST(LowShare, NothingIsOwedWhileNothingWaits) {
  LowShare share{0.5, quantum};
  share.high_computed(second_ns);
  share.nothing_waits();
  EXPECT_FALSE(share.due());
}

// Fails if a turn ends before all is paid, or a short one costs LOW a whole quantum.
TEST(LowShare, IsDueUntilAllIsPaid) {
  LowShare share{0.5, quantum};
  share.high_computed(quantum);
  share.low_computed(quantum - 1);
  EXPECT_TRUE(share.due());
  share.low_computed(1);
  EXPECT_FALSE(share.due());
}

}  // namespace
}  // namespace hilo
