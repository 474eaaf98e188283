// What the engine asks of the backend beside vectors: who may go when, and how long it took.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "backend/cpu/random_model.h"
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/host/fake_driver.h"

namespace hilo {
namespace {

constexpr EncoderConfig tiny = {.layers = 1,
                                .hidden = 32,
                                .heads = 2,
                                .intermediate = 64,
                                .vocabulary = 50,
                                .positions_max = 80,
                                .token_types = 2};

class CudaLanes : public testing::Test {
 protected:
  CudaLanes() {
    auto made = make_cuda_backend(fake_.table(), random_model(tiny),
                                  {.quantum_tokens = 64, .quantum_texts = 16, .low_share = 0.05});
    EXPECT_TRUE(made);
    backend_ = *std::move(made);
    work_of_start_ = work_of_low();
  }
  // Computes one text of so many tokens; how long the device was at it.
  Nanoseconds compute(Lane lane, uint32_t tokens) const {
    const std::vector<uint32_t> ids(tokens, 7);
    const std::vector<uint32_t> starts{0, tokens};
    std::vector<float> vector(backend_->dims());
    std::vector<float*> vectors{vector.data()};
    const auto workspace = backend_->make_workspace(tokens, 1, lane);
    const YieldGate gate;
    EXPECT_TRUE(backend_->run({.ids = ids, .types = {}, .sequence_start = starts}, *workspace, gate,
                              vectors));
    return workspace->device_time();
  }
  // The first stream was for the weights, the second is HIGH's.
  ptrdiff_t work_of_low() const {
    return std::ranges::count_if(
        fake_.work(), [](const std::string& work) { return work.starts_with("stream 3"); });
  }
  bool low_was_launched() const { return work_of_low() > work_of_start_; }

  const FakeDriver fake_{{.computes = false}};
  std::unique_ptr<Backend> backend_;
  ptrdiff_t work_of_start_ = 0;
};

TEST_F(CudaLanes, SayWhatBatchesTheyWant) {
  const auto device = backend_->device();
  ASSERT_TRUE(device);
  EXPECT_EQ(device->name, "fake device");
  EXPECT_EQ(device->tokens_max, 64U);
  EXPECT_EQ(device->tokens_enough, 64U);
  EXPECT_EQ(device->texts_max, 16U);
}

TEST_F(CudaLanes, SayHowLongABatchTook) {
  EXPECT_GT(compute(Lane::high, 5), 0);
  EXPECT_GT(compute(Lane::low, 5), 0);
}

// Goal: what HIGH has anywhere in the engine keeps LOW from the device. Method: batches of HIGH
// that earn LOW less than it needs, while a thread of LOW wants to go.
TEST_F(CudaLanes, LowWaitsForHighThatIsExpected) {
  backend_->expect_high(true);
  backend_->expect_high(true);  // Saying it again changes nothing.
  std::atomic<bool> begun = false;
  std::thread low([&] {
    begun = true;
    compute(Lane::low, 64);
  });
  while (!begun) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) compute(Lane::high, 5);
  EXPECT_FALSE(low_was_launched());
  backend_->expect_high(false);
  low.join();
  EXPECT_TRUE(low_was_launched());
}

// Goal: HIGH without end leaves LOW its share. Method: HIGH goes on until LOW is through.
TEST_F(CudaLanes, LowGetsItsShareBesideHighThatNeverEnds) {
  backend_->expect_high(true);
  std::atomic<bool> done = false;
  std::thread low([&] {
    compute(Lane::low, 8);
    done = true;
  });
  while (!done) compute(Lane::high, 40);
  low.join();
  EXPECT_TRUE(low_was_launched());
}

}  // namespace
}  // namespace hilo
