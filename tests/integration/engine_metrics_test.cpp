// What an engine counts, read while it works.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "engine/metrics.h"
#include "engine_under_test.h"
#include "latched_backend.h"

namespace hilo {
namespace {

uint64_t computed(const Metrics& metrics, Lane lane) {
  return metrics.lane(lane).stage_ns[static_cast<size_t>(Stage::whole)].counts().count();
}

// Fails if tasks that wait are not told, or are still told when all is done.
TEST(EngineMetrics, WhatWaitsIsToldUntilItIsDone) {
  LatchedBackend backend;
  EngineUnderTest test{backend, {.threads = 1, .tokens_max = 256, .prompts = {}}};
  hilo_client* const client = test.connect();
  const LaneMetrics& low = test.engine().metrics().lane(Lane::low);
  constexpr size_t texts = 50;
  std::vector<hilo_task> tasks;
  tasks.reserve(texts);
  for (size_t i = 0; i < texts; ++i)
    tasks.push_back(submit(client, HILO_LOW, std::string(20'000, 'L')));
  EXPECT_GE(backend.batches(1).size(), 1U);  // It is being computed, and cannot finish.
  while (low.admitted.get() < texts) std::this_thread::yield();
  // Others lie with the worker, but few: three of them fill a plan.
  EXPECT_GE(low.waiting.get(), texts - 10);
  EXPECT_GT(low.oldest_admitted_ns.get(), 0U);

  backend.permit_low(LatchedBackend::unlimited);
  for (const hilo_task task : tasks) take_answer(client, task);
  // A completion is posted when it has been counted.
  EXPECT_EQ(low.waiting.get(), 0U);
  EXPECT_EQ(low.oldest_admitted_ns.get(), 0U);
  hilo_close(client);
}

// Fails under the thread sanitizer if anything that is told needs a lock, and anywhere if a text is
// not counted.
TEST(EngineMetrics, AreReadWhileBothLanesWork) {
  LatchedBackend backend;
  backend.permit_high(LatchedBackend::unlimited);
  backend.permit_low(LatchedBackend::unlimited);
  EngineUnderTest test{backend, {.threads = 2, .tokens_max = 256, .prompts = {}}};
  hilo_client* const high = test.connect(HILO_HIGH);
  hilo_client* const low = test.connect(HILO_LOW);
  const Metrics& metrics = test.engine().metrics();

  std::atomic<bool> done{false};
  std::thread reader{[&] {
    while (!done) {
      for (const Lane lane : {Lane::high, Lane::low}) static_cast<void>(computed(metrics, lane));
      for (const WorkerReport& worker : test.engine().worker_reports())
        EXPECT_GE(worker.cpu_time, 0);
    }
  }};
  for (int i = 0; i < 20; ++i) {
    const hilo_task bulk = submit(low, HILO_LOW, "L");
    embed(high, HILO_HIGH, "H");
    take_answer(low, bulk);
  }
  done = true;
  reader.join();
  EXPECT_EQ(computed(metrics, Lane::high), 20U);
  EXPECT_EQ(computed(metrics, Lane::low), 20U);
  hilo_close(high);
  hilo_close(low);
}

}  // namespace
}  // namespace hilo
