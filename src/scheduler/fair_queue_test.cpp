#include "scheduler/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilo {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::vector<TaskId> pop_all(FairQueue& queue) {
  std::vector<TaskId> order;
  while (!queue.empty()) order.push_back(queue.pop());
  return order;
}

// Fails if a client's tasks overtake one another.
TEST(FairQueue, FirstComeFirstServedWithinAClient) {
  FairQueue queue;
  for (const TaskId id : {5U, 3U, 9U}) queue.push({.id = id, .client = 2, .cost = 7});
  EXPECT_EQ(queue.cost(), 21U);
  EXPECT_THAT(pop_all(queue), ElementsAre(5, 3, 9));
  EXPECT_EQ(queue.cost(), 0U);
}

// Fails if a deadline does not go before the client's other tasks, or equals change places.
TEST(FairQueue, EarlierDeadlinesFirstWithinAClient) {
  FairQueue queue;
  queue.push({.id = 0, .client = 0, .cost = 1});
  queue.push({.id = 1, .client = 0, .cost = 1, .deadline = {200}});
  queue.push({.id = 2, .client = 0, .cost = 1, .deadline = {100}});
  queue.push({.id = 3, .client = 0, .cost = 1, .deadline = {200}});
  queue.push({.id = 4, .client = 0, .cost = 1});
  EXPECT_EQ(queue.next_deadline(), Instant{100});
  EXPECT_THAT(pop_all(queue), ElementsAre(2, 1, 3, 0, 4));
}

// Fails if deadlines buy a client more than its turn.
TEST(FairQueue, DeadlinesDoNotBreakFairness) {
  FairQueue queue;
  for (TaskId id = 0; id < 3; ++id) queue.push({.id = id, .client = 0, .cost = 10});
  for (TaskId id = 10; id < 13; ++id)
    queue.push({.id = id, .client = 1, .cost = 10, .deadline = {100}});
  EXPECT_THAT(pop_all(queue), ElementsAre(0, 10, 1, 11, 2, 12));
}

// Fails if the client that came first keeps the others waiting until it is through.
TEST(FairQueue, ClientsWithEqualTasksTakeTurns) {
  FairQueue queue;
  for (TaskId id = 0; id < 3; ++id) queue.push({.id = id, .client = 0, .cost = 10});
  for (TaskId id = 10; id < 13; ++id) queue.push({.id = id, .client = 1, .cost = 10});
  EXPECT_THAT(pop_all(queue), ElementsAre(0, 10, 1, 11, 2, 12));
}

// Fails if turns are counted in tasks: the client with long texts would get ten times the work.
TEST(FairQueue, SharesAreCountedInCostNotInTasks) {
  FairQueue queue;
  for (TaskId id = 0; id < 4; ++id) queue.push({.id = id, .client = 0, .cost = 100});
  for (TaskId id = 100; id < 140; ++id) queue.push({.id = id, .client = 1, .cost = 10});
  uint64_t cost_of_client[2] = {};
  for (int taken = 0; taken < 22; ++taken) {
    const QueuedTask task = queue.front();
    ASSERT_EQ(queue.pop(), task.id);
    cost_of_client[task.client] += task.cost;
  }
  EXPECT_EQ(cost_of_client[0], 200U);
  EXPECT_EQ(cost_of_client[1], 200U);
}

// Fails if being away earns credit: the returning client would then lock the other one out.
TEST(FairQueue, AClientThatWasAwayComesBackAsAnEqual) {
  FairQueue queue;
  for (TaskId id = 0; id < 50; ++id) queue.push({.id = id, .client = 0, .cost = 100});
  for (int taken = 0; taken < 40; ++taken) queue.pop();
  for (TaskId id = 100; id < 110; ++id) queue.push({.id = id, .client = 1, .cost = 100});
  int of_first_client = 0;
  for (int taken = 0; taken < 10; ++taken) of_first_client += queue.pop() < 100 ? 1 : 0;
  EXPECT_EQ(of_first_client, 5);
}

// Fails if taking tasks out of the middle or the ends breaks the list or is charged.
TEST(FairQueue, RemovedTasksAreSkippedAndFree) {
  FairQueue queue;
  for (TaskId id = 0; id < 5; ++id) queue.push({.id = id, .client = 0, .cost = 10});
  for (TaskId id = 10; id < 12; ++id) queue.push({.id = id, .client = 1, .cost = 10});
  for (const TaskId id : {2U, 0U, 4U}) queue.remove(id);
  EXPECT_FALSE(queue.contains(2));
  EXPECT_TRUE(queue.contains(3));
  EXPECT_THAT(pop_all(queue), ElementsAre(1, 10, 3, 11));
  queue.push({.id = 2, .client = 0, .cost = 1});
  EXPECT_THAT(pop_all(queue), ElementsAre(2));
}

// Fails if an expired task stays, a live one goes, or the next deadline is forgotten.
TEST(FairQueue, ExpiredTasksAreRemovedInTime) {
  FairQueue queue;
  queue.push({.id = 0, .client = 0, .cost = 1});
  queue.push({.id = 1, .client = 0, .cost = 1, .deadline = {100}});
  queue.push({.id = 2, .client = 0, .cost = 1, .deadline = {200}});
  queue.push({.id = 3, .client = 1, .cost = 1, .deadline = {100}});
  EXPECT_EQ(queue.next_deadline(), Instant{100});

  std::array<TaskId, 8> expired;
  EXPECT_EQ(queue.remove_expired({99}, expired), 0U);
  const size_t count = queue.remove_expired({100}, expired);
  EXPECT_THAT(std::span(expired).first(count), UnorderedElementsAre(1, 3));
  EXPECT_EQ(queue.next_deadline(), Instant{200});
  EXPECT_EQ(queue.remove_expired({300}, expired), 1U);
  EXPECT_EQ(queue.next_deadline(), never);
  EXPECT_THAT(pop_all(queue), ElementsAre(0));
}

// Fails if tasks that did not fit into the caller's array are forgotten.
TEST(FairQueue, ExpiredTasksBeyondTheArrayComeWithTheNextCall) {
  FairQueue queue;
  for (TaskId id = 0; id < 5; ++id)
    queue.push({.id = id, .client = id % 2, .cost = 1, .deadline = {10}});
  std::array<TaskId, 2> expired;
  EXPECT_EQ(queue.remove_expired({10}, expired), 2U);
  EXPECT_EQ(queue.remove_expired({10}, expired), 2U);
  EXPECT_EQ(queue.remove_expired({10}, expired), 1U);
  EXPECT_TRUE(queue.empty());
}

// Fails if the queue cannot hold every task that can exist.
TEST(FairQueue, HoldsEveryTaskThatCanExist) {
  FairQueue queue;
  for (TaskId id = 0; id < tasks_max; ++id)
    queue.push({.id = id, .client = id / tasks_per_client_max, .cost = 3});
  EXPECT_EQ(queue.cost(), 3U * tasks_max);
  EXPECT_EQ(pop_all(queue).size(), tasks_max);
}

TEST(FairQueueDeathTest, PushingATaskTwiceIsABrokenRule) {
  FairQueue queue;
  queue.push({.id = 1, .client = 0, .cost = 1});
  EXPECT_DEATH(queue.push({.id = 1, .client = 0, .cost = 1}), "broken rule");
}

}  // namespace
}  // namespace hilo
