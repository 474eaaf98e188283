#include "scheduler/cost_model.h"

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr PlanSize size{.total = 128, .longest = 40};
constexpr Nanoseconds truth = 7 * millisecond_ns;

Nanoseconds encode(const CostModel& costs, PlanSize plan) {
  return costs.predict(Lane::low, Work::encode, plan);
}
void teach(CostModel& costs, PlanSize plan, Nanoseconds took, int times) {
  for (int i = 0; i < times; ++i) costs.learn(Lane::low, Work::encode, plan, took);
}
void expect_near(Nanoseconds value, Nanoseconds expected, double tolerance) {
  EXPECT_NEAR(static_cast<double>(value) / static_cast<double>(expected), 1.0, tolerance);
}

// Fails if the first plan of an unknown model is limited to nothing, or not at all.
TEST(CostModel, FirstGuessIsSane) {
  const CostModel costs;
  EXPECT_GE(encode(costs, {32, 32}), 100 * microsecond_ns);
  EXPECT_LE(encode(costs, {128, 128}), 100 * millisecond_ns);
  EXPECT_LE(costs.predict(Lane::high, Work::tokenize, {200, 200}), millisecond_ns);
}

// Fails if one measurement of a model a thousand times slower or faster than the guess is not
// believed.
TEST(CostModel, TheFirstMeasurementCounts) {
  for (const Nanoseconds took : {10 * microsecond_ns, 5 * second_ns}) {
    CostModel costs;
    teach(costs, size, took, 1);
    expect_near(encode(costs, size), took, 0.01);
  }
}

// Fails if sizes that were never seen keep the guess although a neighbour is known, or if larger
// plans are not predicted to take longer.
TEST(CostModel, UnseenSizesGoByTheirNeighbours) {
  CostModel costs;
  teach(costs, {64, 64}, 32 * millisecond_ns, 20);
  expect_near(encode(costs, {128, 64}), 64 * millisecond_ns, 0.05);
  teach(costs, {256, 64}, 1000 * millisecond_ns, 20);
  expect_near(encode(costs, {512, 64}), 2000 * millisecond_ns, 0.05);
  expect_near(encode(costs, {128, 64}), 64 * millisecond_ns, 0.05);
}

// Fails if lanes or kinds of work are mixed up.
TEST(CostModel, LanesAndKindsOfWorkAreApart) {
  CostModel costs;
  const CostModel fresh;
  teach(costs, size, truth, 20);
  for (const auto& [lane, work] :
       {std::pair{Lane::high, Work::encode}, std::pair{Lane::low, Work::tokenize}})
    EXPECT_EQ(costs.predict(lane, work, size), fresh.predict(lane, work, size));
}

// Fails if a stall of the machine is taken for the cost of the work.
TEST(CostModel, OneOddMeasurementHardlyMatters) {
  CostModel costs;
  teach(costs, size, truth, 100);
  teach(costs, size, 1000 * truth, 1);
  expect_near(encode(costs, size), truth, 0.15);
  teach(costs, size, truth, 20);
  expect_near(encode(costs, size), truth, 0.02);
}

// Fails if a wrong first measurement is never got over, or a change of the machine's speed.
TEST(CostModel, AChangeIsFollowed) {
  CostModel costs;
  teach(costs, size, 50 * truth, 1);
  teach(costs, size, truth, 100);
  expect_near(encode(costs, size), truth, 0.05);
  teach(costs, size, 3 * truth, 60);
  expect_near(encode(costs, size), 3 * truth, 0.05);
}

// Fails if sizes at the ends of the table, or times of nothing, break it.
TEST(CostModel, ExtremesAreFine) {
  CostModel costs;
  costs.learn(Lane::high, Work::tokenize, {0, 0}, 0);
  costs.learn(Lane::high, Work::tokenize, {0, 0}, 1);
  costs.learn(Lane::high, Work::tokenize, {UINT32_MAX, UINT32_MAX}, 1);
  EXPECT_GE(costs.predict(Lane::high, Work::tokenize, {UINT32_MAX, 0}), 0);
}

}  // namespace
}  // namespace hilo
