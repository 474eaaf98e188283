// An engine whose batches are computed by a device beside the cores.
#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/metrics.h"
#include "engine_under_test.h"
#include "latched_backend.h"

namespace hilo {
namespace {

constexpr uint32_t batch_tokens = 32;

class EngineWithDevice : public testing::Test {
 protected:
  // A text as its ids, which the engine queues in the tick in which it reads them.
  hilo_task submit_ids(hilo_lane lane, const std::string& text) {
    hilo_submit_options options = options_for(lane);
    options.input = HILO_IDS;
    std::string ids;
    for (const char letter : text) ids += std::string{letter, '\0', '\0', '\0'};
    tasks_.push_back(submit_as(client_, options, ids));
    return tasks_.back();
  }
  void wait_until_admitted(Lane lane, uint64_t texts) {
    while (test_.engine().metrics().lane(lane).admitted.get() < texts) std::this_thread::yield();
  }
  void permit(hilo_lane lane, int batches) {
    if (lane == HILO_HIGH)
      backend_.permit_high(batches);
    else
      backend_.permit_low(batches);
  }
  void finish() {
    backend_.permit_high(LatchedBackend::unlimited);
    backend_.permit_low(LatchedBackend::unlimited);
    for (size_t i = 0; i < tasks_.size(); ++i) EXPECT_EQ(take_one(client_).status, HILO_OK);
    hilo_close(client_);
  }

  LatchedBackend backend_{
      Device{.name = "latch", .tokens_max = batch_tokens, .tokens_enough = 8, .texts_max = 100}};
  EngineUnderTest test_{backend_, {.threads = 1, .tokens_max = 256, .prompts = {}}};
  hilo_client* client_ = test_.connect();
  std::vector<hilo_task> tasks_;
};

// Fails if the next batch is made while the device is at one, so that those who come meanwhile get
// a batch of their own each.
TEST_F(EngineWithDevice, WhoComesWhileItWorksSharesTheNextBatch) {
  for (const auto& [lane, letter] : {std::pair{HILO_HIGH, 'H'}, std::pair{HILO_LOW, 'L'}}) {
    const size_t before = backend_.batches(0).size();
    submit_ids(lane, {letter});
    ASSERT_EQ(backend_.batches(before + 1).size(), before + 1);
    for (int i = 0; i < 5; ++i) submit_ids(lane, {letter, static_cast<char>('a' + i)});
    wait_until_admitted(lane == HILO_HIGH ? Lane::high : Lane::low, 6);
    permit(lane, 1);
    const auto batches = backend_.batches(before + 2);
    ASSERT_EQ(batches.size(), before + 2);
    EXPECT_EQ(batches[before + 1].size(), 5U);
    permit(lane, 1);
  }
  finish();
}

// Fails if the device has to wait for the engine between two batches although there is enough for
// both; or if it is given more than one ahead.
TEST_F(EngineWithDevice, AFullBatchIsAtHandWhileItWorks) {
  for (int i = 0; i < 20; ++i) submit_ids(HILO_LOW, std::string(8, 'L'));
  const auto batches = backend_.batches(2);
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(std::max(batches[0].size(), batches[1].size()), 4U);
  wait_until_admitted(Lane::low, 20);
  backend_.permit_low(1);
  EXPECT_EQ(backend_.batches(3).size(), 3U);
  finish();
}

// Fails if texts that the device computes wait for workers that only tokenize, or the reverse.
TEST_F(EngineWithDevice, CoresTokenizeWhileItWorks) {
  submit_ids(HILO_HIGH, "H");
  submit_ids(HILO_LOW, "L");
  EXPECT_EQ(backend_.batches(2).size(), 2U);
  // On the one core, whose workers nobody has stopped: tokenized, and queued again.
  for (int i = 0; i < 3; ++i) tasks_.push_back(submit(client_, HILO_HIGH, "H text"));
  const LaneMetrics& high = test_.engine().metrics().lane(Lane::high);
  while (high.admitted.get() < 4 || high.waiting.get() < 3) std::this_thread::yield();
  backend_.permit_high(1);
  const auto batches = backend_.batches(3);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[2][0], "H text");
  finish();
}

// Fails if a device does not learn in time that HIGH will come, or waits for it for ever.
TEST_F(EngineWithDevice, IsToldOfHighFromItsFirstOpenTextToItsLast) {
  submit_ids(HILO_LOW, "L");
  ASSERT_EQ(backend_.batches(1).size(), 1U);
  EXPECT_EQ(backend_.told_of_high(), std::vector<bool>{});
  submit_ids(HILO_HIGH, "H");
  submit_ids(HILO_HIGH, "H");
  wait_until_admitted(Lane::high, 2);
  EXPECT_EQ(backend_.told_of_high(), std::vector<bool>{true});
  finish();
  EXPECT_EQ(backend_.told_of_high(), (std::vector<bool>{true, false}));
}

// Fails if LOW may wait for HIGH when the engine has been stopped.
TEST_F(EngineWithDevice, IsToldAtTheEndThatNoHighWillCome) {
  submit_ids(HILO_HIGH, "H");
  ASSERT_EQ(backend_.batches(1).size(), 1U);
  backend_.permit_high(LatchedBackend::unlimited);
  test_.destroy_engine();
  ASSERT_FALSE(backend_.told_of_high().empty());
  EXPECT_FALSE(backend_.told_of_high().back());
  hilo_close(client_);
}

// Fails if `hilo top` takes those who feed a device for cores.
TEST_F(EngineWithDevice, ReportsItsWorkers) {
  uint32_t of_cores = 0;
  uint32_t of_device = 0;
  for (const WorkerReport& worker : test_.engine().worker_reports())
    ++(worker.of_device ? of_device : of_cores);
  EXPECT_EQ(of_cores, 2U);
  EXPECT_EQ(of_device, 4U);
  finish();
}

}  // namespace
}  // namespace hilo
