#include "engine/metrics.h"

#include <thread>

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr Instant at(Nanoseconds microseconds) { return {microseconds * microsecond_ns}; }

Task low_task(Instant admitted) {
  return {.stage = Task::Stage::queued, .client = 3, .lane = Lane::low, .admitted = admitted};
}

Task computed_task() {
  Task task = low_task(at(100));
  task.stage = Task::Stage::working;
  task.tokenized = {.begun = at(101), .ended = at(103)};
  task.computed = {.begun = at(107), .ended = at(115)};
  task.tokens = 12;
  return task;
}

uint64_t stage_ns(const Metrics& metrics, Stage stage) {
  return metrics.lane(Lane::low).stage_ns[static_cast<size_t>(stage)].counts().max();
}

// Fails if a stage begins elsewhere than where the one before it ends.
TEST(Metrics, StagesOfATextAddUpToTheWhole) {
  Metrics metrics;
  metrics.admitted(7, low_task(at(100)));
  metrics.handed_out(Lane::low, 1);
  metrics.completed(7, computed_task(), CompletionStatus::ok, at(131));
  EXPECT_EQ(stage_ns(metrics, Stage::intake), 1'000U);
  EXPECT_EQ(stage_ns(metrics, Stage::tokenize), 2'000U);
  EXPECT_EQ(stage_ns(metrics, Stage::queue), 4'000U);
  EXPECT_EQ(stage_ns(metrics, Stage::compute), 8'000U);
  EXPECT_EQ(stage_ns(metrics, Stage::deliver), 16'000U);
  EXPECT_EQ(stage_ns(metrics, Stage::whole), 31'000U);
  EXPECT_EQ(metrics.lane(Lane::low).tokens.get(), 12U);
  EXPECT_EQ(metrics.clients()[3].tokens.get(), 12U);
}

// Fails if a worker that is done after the tick began makes a duration negative, and so enormous.
TEST(Metrics, AWorkerMayBeDoneAfterTheTickBegan) {
  Metrics metrics;
  metrics.admitted(7, low_task(at(100)));
  metrics.completed(7, computed_task(), CompletionStatus::ok, at(110));
  EXPECT_EQ(stage_ns(metrics, Stage::deliver), 0U);
  EXPECT_EQ(stage_ns(metrics, Stage::whole), 15'000U);
}

// Fails if a task is lost from the count of those that wait, or counted twice, wherever it ends.
TEST(Metrics, WaitingAndOpenTasksAreThoseThatAre) {
  Metrics metrics;
  const LaneMetrics& low = metrics.lane(Lane::low);
  for (TaskId id = 0; id < 3; ++id) metrics.admitted(id, low_task(at(id)));
  EXPECT_EQ(low.waiting.get(), 3U);
  metrics.handed_out(Lane::low, 2);
  metrics.waits_again(Lane::low);
  EXPECT_EQ(low.waiting.get(), 2U);
  metrics.completed(0, low_task(at(0)), CompletionStatus::cancelled, at(9));
  EXPECT_EQ(low.waiting.get(), 1U);
  metrics.completed(1, computed_task(), CompletionStatus::ok, at(9));
  EXPECT_EQ(low.waiting.get(), 1U);
  EXPECT_EQ(metrics.clients()[3].open.get(), 1U);
  EXPECT_EQ(low.admitted.get(), 3U);
  EXPECT_EQ(low.completed[static_cast<size_t>(CompletionStatus::cancelled)].get(), 1U);
  EXPECT_EQ(metrics.lane(Lane::high).admitted.get(), 0U);
}

// Fails if the oldest is forgotten when others end before it, or told when none is open.
TEST(Metrics, TheOldestIsTheOneAdmittedFirstOfThoseOpen) {
  Metrics metrics;
  const Counter& oldest = metrics.lane(Lane::low).oldest_admitted_ns;
  const auto end = [&](TaskId id) {
    metrics.completed(id, low_task(at(0)), CompletionStatus::expired, at(50));
  };
  for (const TaskId id : {5U, 2U, 9U}) metrics.admitted(id, low_task(at(10 + id)));
  EXPECT_EQ(oldest.get(), 15'000U);
  end(2);
  EXPECT_EQ(oldest.get(), 15'000U);
  end(5);
  EXPECT_EQ(oldest.get(), 19'000U);
  end(9);
  EXPECT_EQ(oldest.get(), 0U);
}

TEST(Metrics, ANewClientOfAPlaceStartsFromNothing) {
  Metrics metrics;
  metrics.begin_session(3, 41);
  metrics.admitted(7, low_task(at(100)));
  metrics.completed(7, computed_task(), CompletionStatus::ok, at(131));
  metrics.end_session(3);
  metrics.begin_session(3, 42);
  EXPECT_EQ(metrics.clients()[3].session.get(), 43U);
  EXPECT_EQ(metrics.clients()[3].texts.get(), 0U);
}

// Fails if a gate tells of a stop where nothing stood, or never tells of one.
TEST(Metrics, StopsAtAGateAreMeasured) {
  StopMeter meter{nullptr};
  YieldGate gate{&meter};
  EXPECT_TRUE(gate.pass());
  EXPECT_EQ(meter.stop_ns().counts().count(), 0U);
  std::atomic<bool> stopped{false};
  std::thread low{[&] {
    while (meter.stop_ns().counts().count() == 0) EXPECT_TRUE(gate.pass());
    stopped = true;
  }};
  while (!stopped) {
    gate.close();
    std::this_thread::yield();
    gate.open();
  }
  low.join();
  EXPECT_GT(meter.stop_ns().counts().max(), 0U);
}

// Fails under the thread sanitizer if anything that is read needs a lock.
TEST(Metrics, AreReadWhileTheyAreWritten) {
  constexpr uint64_t texts = 20'000;
  Metrics metrics;
  std::thread tick{[&] {
    metrics.begin_session(3, 1);
    for (uint64_t text = 0; text < texts; ++text) {
      metrics.admitted(7, low_task(at(100)));
      metrics.handed_out(Lane::low, 1);
      metrics.completed(7, computed_task(), CompletionStatus::ok, at(131));
    }
  }};
  const LaneMetrics& low = metrics.lane(Lane::low);
  uint64_t seen = 0;
  while (seen < texts) {
    const uint64_t next = low.stage_ns[static_cast<size_t>(Stage::whole)].counts().count();
    ASSERT_GE(next, seen);
    ASSERT_LE(metrics.clients()[3].open.get(), 1U);
    seen = next;
  }
  tick.join();
  EXPECT_EQ(low.waiting.get(), 0U);
}

}  // namespace
}  // namespace hilo
