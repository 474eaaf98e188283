#include "scheduler/low_turns.h"

#include <gtest/gtest.h>

#include "scheduler/fair_queue.h"

namespace hilo {
namespace {

constexpr Nanoseconds quantum_of_low = 10 * millisecond_ns;
constexpr Instant start{second_ns};

class LowTurnsTest : public ::testing::Test {
 protected:
  LowTurnsTest() { turns_.advance(start); }
  LowTurns turns_{{.low_share = 0.5, .quantum = {quantum_of_low, quantum_of_low}}, 3};
};

// Fails if a turn ends with the first short plan, or before or after what was owed is paid.
TEST_F(LowTurnsTest, ATurnLastsUntilAllIsPaid) {
  turns_.high_computed(quantum_of_low);
  ASSERT_TRUE(turns_.may_begin(false));
  turns_.begin(1);
  EXPECT_EQ(turns_.next_end(), start + quantum_of_low);
  turns_.advance(start + 1);
  turns_.low_finished(1, 1);
  EXPECT_TRUE(turns_.is_on(1));
  turns_.advance(start + (quantum_of_low - 1));
  EXPECT_TRUE(turns_.is_on(1));
  turns_.advance(start + quantum_of_low);
  EXPECT_FALSE(turns_.is_on(1));
  EXPECT_EQ(turns_.next_end(), never);
}

// Fails if LOW has more cores than it is owed quanta, or a plan it has begun must wait for HIGH.
TEST_F(LowTurnsTest, AnotherCoreIsForAnotherQuantumOrABegunPlan) {
  turns_.high_computed(quantum_of_low);
  turns_.begin(0);
  EXPECT_FALSE(turns_.may_begin(false));
  EXPECT_TRUE(turns_.may_begin(true));
  turns_.high_computed(quantum_of_low);
  EXPECT_TRUE(turns_.may_begin(false));
}

// Fails if cores that are LOW's at the same time each take what is owed once.
TEST_F(LowTurnsTest, CoresPayTogether) {
  turns_.high_computed(2 * quantum_of_low);
  turns_.begin(0);
  turns_.begin(2);
  EXPECT_EQ(turns_.next_end(), start + quantum_of_low);
  turns_.advance(start + quantum_of_low);
  EXPECT_FALSE(turns_.due());
}

// Fails if a plan that ends after its turn pays for the turn once more.
TEST_F(LowTurnsTest, ATurnIsPaidOnce) {
  turns_.high_computed(quantum_of_low);
  turns_.begin(0);
  turns_.advance(start + quantum_of_low);
  turns_.low_finished(0, quantum_of_low + 5);
  turns_.high_computed(quantum_of_low + 4);
  EXPECT_FALSE(turns_.due());
  turns_.high_computed(1);
  EXPECT_TRUE(turns_.due());
}

}  // namespace
}  // namespace hilo
