#include "scheduler/plan.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace hilo {
namespace {

// One row: what waits in one lane, and what a worker is then given.
struct Case {
  std::string rule;
  Lane lane;
  std::vector<uint32_t> texts;   // bytes of texts to tokenize
  std::vector<uint32_t> tokens;  // tokens of texts to encode
  uint32_t workers_free;
  Work work;
  uint32_t count;
};

const Policy plan_policy;
const CostModel unlearned;
const PlanRules rules{.policy = plan_policy, .costs = unlearned};

class PlanRule : public ::testing::TestWithParam<Case> {};

TEST_P(PlanRule, Holds) {
  LaneQueues queues;
  TaskId id = 0;
  for (const uint32_t bytes : GetParam().texts)
    queues.to_tokenize.push({.id = id++, .client = 0, .cost = bytes});
  for (const uint32_t tokens : GetParam().tokens)
    queues.to_encode.push({.id = id++, .client = 0, .cost = tokens});
  const Plan plan = take_plan(GetParam().lane, queues, GetParam().workers_free, rules);
  EXPECT_EQ(plan.lane, GetParam().lane);
  EXPECT_EQ(plan.count, GetParam().count);
  if (GetParam().count > 0) {
    EXPECT_EQ(plan.work, GetParam().work);
  }
}

const std::vector<uint32_t> many_empty_texts(200, 0);

INSTANTIATE_TEST_SUITE_P(
    Table, PlanRule,
    ::testing::Values(
        Case{"NothingWaits", Lane::high, {}, {}, 1, Work::tokenize, 0},
        Case{"TokenizingGoesFirst", Lane::low, {50}, {20, 20}, 1, Work::tokenize, 1},
        Case{"LowFillsAMicroBatch", Lane::low, {}, {50, 50, 28, 10}, 1, Work::encode, 3},
        Case{"LowStopsBeforeTheLimit", Lane::low, {}, {50, 50, 29, 10}, 1, Work::encode, 2},
        Case{"ALongerTextGoesAlone", Lane::low, {}, {256, 4}, 1, Work::encode, 1},
        Case{"NoTextOvertakesALongerOne", Lane::low, {}, {10, 256, 4}, 1, Work::encode, 1},
        Case{"HighTasksShareASmallBatch", Lane::high, {}, {20, 20, 20, 20}, 1, Work::encode, 3},
        Case{"HighSpreadsOverFreeWorkers", Lane::high, {}, {32, 32}, 2, Work::encode, 1},
        Case{"TinyTasksAreNotSpread", Lane::high, {}, {8, 8, 8, 8}, 4, Work::encode, 4},
        Case{"LowSpreadsOverFreeWorkers", Lane::low, {}, {40, 40, 40}, 2, Work::encode, 1},
        Case{"TokenizeJobsAreBounded", Lane::high, {9000, 9000}, {}, 1, Work::tokenize, 1},
        Case{"LongDocumentTokenizedAlone", Lane::low, {131072, 9}, {}, 1, Work::tokenize, 1},
        Case{"CountIsBounded", Lane::low, many_empty_texts, {}, 1, Work::tokenize, 64}),
    [](const auto& row) { return row.param.rule; });

// A model of a lane's encoding where texts of 16 tokens, `tokens` together, take so long.
CostModel learned(Lane lane, std::initializer_list<std::pair<uint32_t, Nanoseconds>> times) {
  CostModel costs;
  for (const auto& [tokens, time] : times)
    for (int i = 0; i < 50; ++i) costs.learn(lane, Work::encode, {tokens, 16}, time);
  return costs;
}

uint32_t tasks_in_plan(Lane lane, const CostModel& costs) {
  LaneQueues queues;
  for (TaskId id = 0; id < 8; ++id) queues.to_encode.push({.id = id, .client = 0, .cost = 16});
  return take_plan(lane, queues, 1, {.policy = plan_policy, .costs = costs}).count;
}

// Fails if a LOW plan for a slow model is as large as for a fast one, or too small for its speed.
TEST(Plan, APlanIsLimitedInPredictedTime) {
  const Nanoseconds quantum = plan_policy.quantum[lane_index(Lane::low)];
  EXPECT_EQ(tasks_in_plan(Lane::low, learned(Lane::low, {{64, quantum / 4}})), 8U);
  EXPECT_EQ(tasks_in_plan(Lane::low, learned(Lane::low, {{64, quantum}})), 4U);
  EXPECT_EQ(tasks_in_plan(Lane::low, learned(Lane::low, {{64, 100 * quantum}})), 2U);
}

// Fails if HIGH tasks share a batch that is no faster for the last of them, or do not share one
// that is.
TEST(Plan, HighTasksShareWhatIsFasterForTheLast) {
  const CostModel shared_is_faster = learned(
      Lane::high, {{16, millisecond_ns}, {32, millisecond_ns}, {64, millisecond_ns * 3 / 2}});
  EXPECT_EQ(tasks_in_plan(Lane::high, shared_is_faster), 4U);
  const CostModel shared_is_slower =
      learned(Lane::high, {{16, millisecond_ns}, {32, millisecond_ns * 5 / 2}});
  EXPECT_EQ(tasks_in_plan(Lane::high, shared_is_slower), 1U);
}

// Fails if what is not known is never tried, so that nobody learns that sharing is faster.
TEST(Plan, HighTasksShareWhereNobodyKnows) {
  LaneQueues queues;
  for (TaskId id = 0; id < 8; ++id) queues.to_encode.push({.id = id, .client = 0, .cost = 32});
  CostModel one_alone;
  one_alone.learn(Lane::high, Work::encode, {32, 32}, millisecond_ns);
  EXPECT_EQ(take_plan(Lane::high, queues, 1, {.policy = plan_policy, .costs = one_alone}).count,
            2U);
}

// Fails if two clients of a lane cannot share a batch, or one of them fills it alone.
TEST(Plan, ABatchIsSharedFairlyBetweenClients) {
  LaneQueues queues;
  for (TaskId id = 0; id < 8; ++id) queues.to_encode.push({.id = id, .client = 0, .cost = 32});
  for (TaskId id = 8; id < 16; ++id) queues.to_encode.push({.id = id, .client = 1, .cost = 32});
  const Plan plan = take_plan(Lane::low, queues, 1, rules);
  ASSERT_EQ(plan.count, 4U);
  uint32_t of_first_client = 0;
  for (const TaskId id : plan.tasks()) of_first_client += id < 8 ? 1 : 0;
  EXPECT_EQ(of_first_client, 2U);
}

// Fails if a client whose texts never end keeps the tokens of others from being computed.
TEST(Plan, KindsOfWorkTakeTurns) {
  LaneQueues queues;
  queues.to_encode.push({.id = 0, .client = 0, .cost = 10});
  queues.to_tokenize.push({.id = 1, .client = 1, .cost = 100'000});
  queues.to_tokenize.push({.id = 2, .client = 1, .cost = 100'000});
  EXPECT_EQ(take_plan(Lane::high, queues, 1, rules).work, Work::tokenize);
  EXPECT_EQ(take_plan(Lane::high, queues, 1, rules).work, Work::encode);
  EXPECT_EQ(take_plan(Lane::high, queues, 1, rules).work, Work::tokenize);
}

// Fails if a device gets plans of the size that is good for a core, or less than all that waits.
TEST(Plan, ADeviceSaysHowLargeItsPlansAre) {
  const PlanLimits device{.cost_max = 2048, .cost_share = 256, .tasks_max = 100};
  CostModel fast;
  fast.learn(Lane::high, Work::encode, {256, 30}, millisecond_ns / 5);
  const PlanRules of_device{.policy = plan_policy, .costs = fast, .to_encode_on_device = device};
  const auto count_of = [](uint32_t cost, const PlanRules& by) {
    LaneQueues queues;
    for (TaskId id = 0; id < 150; ++id)
      queues.to_encode.push({.id = id, .client = 0, .cost = cost});
    return take_plan_of(Work::encode, Lane::high, queues, 1, by).count;
  };
  EXPECT_EQ(count_of(30, rules), 2U);
  EXPECT_EQ(count_of(30, of_device), 68U);  // 2,040 tokens
  EXPECT_EQ(count_of(2, of_device), 100U);
  EXPECT_EQ(count_of(3000, of_device), 1U);
}

// Fails if a worker that does one kind of work only is given the other, or takes its turn.
TEST(Plan, AWorkerMayDoOneKindOfWorkOnly) {
  LaneQueues queues;
  queues.to_tokenize.push({.id = 0, .client = 0, .cost = 10});
  EXPECT_TRUE(take_plan_of(Work::encode, Lane::low, queues, 1, rules).empty());
  queues.to_encode.push({.id = 1, .client = 0, .cost = 10});
  EXPECT_EQ(take_plan_of(Work::encode, Lane::low, queues, 1, rules).ids[0], 1U);
  EXPECT_EQ(take_plan_of(Work::tokenize, Lane::low, queues, 1, rules).ids[0], 0U);
}

// Fails if work is lost or repeated between plans.
TEST(Plan, PlansTogetherTakeEverythingOnce) {
  LaneQueues queues;
  std::vector<int> taken(1000, 0);
  for (TaskId id = 0; id < taken.size(); ++id)
    queues.to_encode.push({.id = id, .client = id % 7, .cost = 1 + id % 300});
  for (Plan plan = take_plan(Lane::low, queues, 3, rules); !plan.empty();
       plan = take_plan(Lane::low, queues, 3, rules))
    for (const TaskId id : plan.tasks()) ++taken[id];
  EXPECT_EQ(taken, std::vector<int>(taken.size(), 1));
}

static_assert(plan_tokens_max(32) == 128);   // several texts
static_assert(plan_tokens_max(512) == 512);  // one long text

}  // namespace
}  // namespace hilo
