#include "scheduler/admission.h"

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr uint32_t cores = 2;
const Policy policy;
const Nanoseconds low_max = policy.work_max[lane_index(Lane::low)] * cores;
const Nanoseconds high_max = policy.work_max[lane_index(Lane::high)] * cores;

class AdmissionTest : public ::testing::Test {
 protected:
  Admission admission_{policy, cores};
};

// Fails if a client alone is refused what its credits allow, whatever its texts take.
TEST_F(AdmissionTest, AClientAloneIsNeverRefused) {
  for (int i = 0; i < 256; ++i) {
    EXPECT_FALSE(admission_.refuses(3, Lane::high, second_ns));
    admission_.admitted(3, Lane::high, second_ns);
  }
}

// Fails if work without end is taken in, or the time to wait says nothing of how much too much.
TEST_F(AdmissionTest, BeyondTheLimitIsRefused) {
  admission_.admitted(0, Lane::low, low_max / 2);
  admission_.admitted(1, Lane::low, low_max / 2);
  EXPECT_EQ(admission_.refuses(0, Lane::low, 8 * second_ns), 4 * second_ns);
  EXPECT_FALSE(admission_.refuses(0, Lane::low, 0));
  admission_.completed(1, Lane::low, 8 * second_ns);
  EXPECT_FALSE(admission_.refuses(0, Lane::low, 8 * second_ns));
}

// Fails if who came first keeps others out.
TEST_F(AdmissionTest, ANewcomerGetsItsPart) {
  admission_.admitted(0, Lane::low, 2 * low_max);
  const Nanoseconds part = low_max / clients_max;
  EXPECT_FALSE(admission_.refuses(1, Lane::low, part));
  admission_.admitted(1, Lane::low, part);
  EXPECT_TRUE(admission_.refuses(1, Lane::low, 1));
  EXPECT_TRUE(admission_.refuses(0, Lane::low, 1)) << "it is not alone any more";
}

// Fails if a text that is larger than its client's part never gets in.
TEST_F(AdmissionTest, ANewcomersFirstTextGetsInHoweverLarge) {
  admission_.admitted(0, Lane::high, 2 * high_max);
  EXPECT_FALSE(admission_.refuses(1, Lane::high, high_max / 2));
  admission_.admitted(1, Lane::high, high_max / 2);
  EXPECT_TRUE(admission_.refuses(1, Lane::high, high_max / 2));
}

// Fails if LOW work keeps HIGH out, or HIGH work does not keep LOW out first.
TEST_F(AdmissionTest, LowIsRefusedFirst) {
  admission_.admitted(0, Lane::low, 2 * low_max);
  admission_.admitted(1, Lane::low, low_max / clients_max);
  EXPECT_FALSE(admission_.refuses(2, Lane::high, high_max));
  admission_.completed(0, Lane::low, 2 * low_max);
  admission_.admitted(0, Lane::low, low_max - high_max);
  admission_.admitted(2, Lane::high, high_max);
  EXPECT_TRUE(admission_.refuses(0, Lane::low, second_ns));
}

// Fails if any order of admissions goes past the bound that docs/SCHEDULING.md builds on.
TEST_F(AdmissionTest, TheBoundHolds) {
  const Nanoseconds task = second_ns / 2;
  const Nanoseconds credits = 256 * task;
  for (uint32_t round = 0; round < 256; ++round)
    for (uint32_t client = 0; client < clients_max; ++client)
      if (round >= client && !admission_.refuses(client, Lane::low, task))
        admission_.admitted(client, Lane::low, task);
  EXPECT_LE(admission_.work(Lane::low), admission_.bound(Lane::low, credits, task));
  EXPECT_GE(admission_.work(Lane::low), low_max);
}

}  // namespace
}  // namespace hilo
