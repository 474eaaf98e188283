// The backend on the device that is played on the host: what it refuses, and what becomes of it
// when a call fails. What it computes is in backend/conformance_test.cpp.
#include "backend/cuda/cuda_backend.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cuda/encoder_test_support.h"
#include "backend/cuda/host/fake_driver.h"
#include "base/log.h"

namespace hilo {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

CudaBackendOptions options_of(CudaFormat format, uint32_t quantum_tokens = 64) {
  return {.format = format, .quantum_tokens = quantum_tokens, .quantum_texts = 8};
}

class CudaBackendTest : public testing::Test {
 protected:
  CudaBackendTest() { set_log_level(LogLevel::error); }
  static std::string refusal(const FakeDriver& fake, const Model& model) {
    auto backend = make_cuda_backend(fake.table(), model, options_of(cuda_bf16));
    EXPECT_FALSE(backend);
    return backend ? "" : backend.error().message;
  }
};

TEST_F(CudaBackendTest, RefusesWhereThereIsNoDevice) {
  const FakeDriver fake({.open_error = 35});
  EXPECT_THAT(refusal(fake, random_model(tiny)), HasSubstr("no GPU to compute on: CUDA driver"));
  EXPECT_EQ(fake.alive(), 0U);
}

TEST_F(CudaBackendTest, RefusesWhatTheKernelsCannotCompute) {
  const FakeDriver fake;
  const auto odd_hidden = changed([](EncoderConfig& c) { c.hidden = 60; });
  EXPECT_THAT(refusal(fake, random_model(odd_hidden)), HasSubstr("hidden size"));
  const auto wide = changed([](EncoderConfig& c) { c.hidden = 1032; });
  EXPECT_THAT(refusal(fake, random_model(wide)), HasSubstr("multiple of 8 up to 1024"));
  const auto odd_head = changed([](EncoderConfig& c) { c.heads = 16; });
  EXPECT_THAT(refusal(fake, random_model(odd_head)), HasSubstr("head size"));
  const auto odd_wide = changed([](EncoderConfig& c) { c.intermediate = 100; });
  EXPECT_THAT(refusal(fake, random_model(odd_wide)), HasSubstr("intermediate size"));
  EXPECT_EQ(fake.calls(), 0U);
}

TEST_F(CudaBackendTest, SaysHowMuchMemoryIsMissing) {
  const FakeDriver fake({.bytes = uint64_t{3} << 20});
  EXPECT_THAT(refusal(fake, random_model(tiny)),
              HasSubstr("has 3 MiB free, and the model takes 0 MiB and the lanes 8 MiB: 6 MiB are "
                        "missing"));
}

TEST_F(CudaBackendTest, RefusesWeightsThatFp16CannotHold) {
  const FakeDriver fake;
  const Model model = random_model(tiny);
  const_cast<float&>(model.weights.layers[1].output.weight.data[7]) = 70000.0F;
  auto backend = make_cuda_backend(fake.table(), model, options_of(cuda_fp16));
  ASSERT_FALSE(backend);
  EXPECT_THAT(backend.error().message, HasSubstr("too large for fp16: use bf16"));
  EXPECT_EQ(fake.alive(), 0U);
}

TEST_F(CudaBackendTest, RefusesAnotherVersionOfTheTable) {
  const FakeDriver fake;
  CudaDriver older = fake.table();
  older.version = 0;
  auto backend = make_cuda_backend(older, random_model(tiny), options_of(cuda_bf16));
  ASSERT_FALSE(backend);
  EXPECT_THAT(backend.error().message, HasSubstr("install both from one build"));
}

// Makes a backend, computes in both lanes, and ends. The sentence of the first error, or nothing.
std::string one_life(const FakeDriver& fake, const Model& model) {
  auto backend = make_cuda_backend(fake.table(), model, options_of(cuda_bf16));
  if (!backend) return backend.error().message;
  Batch batch(**backend, {70, 3});
  std::string errors;
  for (const Lane lane : {Lane::high, Lane::low, Lane::high})
    if (!batch.run(**backend, lane)) errors = "run";
  return errors;
}

// Goal: whichever call fails, there is one sentence or a batch that failed, and nothing leaks or is
// used after its end. Method: each call once; the work itself is not done.
TEST_F(CudaBackendTest, AnErrorInAnyCallIsARefusal) {
  const EncoderConfig config = changed([](EncoderConfig& c) { c.layers = 1; });
  const Model model = random_model(config);
  set_log_level(LogLevel::error);
  uint64_t calls = 0;
  {
    const FakeDriver fake({.computes = false});
    ASSERT_EQ(one_life(fake, model), "");
    calls = fake.calls();
  }
  ASSERT_GT(calls, 100U);
  for (uint64_t number = 0; number < calls; ++number) {
    SCOPED_TRACE(testing::Message() << "call " << number);
    FakeDriver fake({.computes = false});
    fake.fail_call(number);
    const std::string errors = one_life(fake, model);
    ASSERT_TRUE(errors == "run" || errors.find("an injected error (error 700)") != errors.npos)
        << errors;
    ASSERT_THAT(fake.complaints(), IsEmpty());
    ASSERT_EQ(fake.alive(), 0U);
    ASSERT_FALSE(fake.opened());
  }
}

// Threads of both lanes at once: all get the bits of a quiet run, and nothing allocates.
TEST_F(CudaBackendTest, LanesRunBesideEachOther) {
  const EncoderConfig config = changed([](EncoderConfig& c) { c.layers = 1; });
  FakeDriver fake;
  auto backend = make_cuda_backend(fake.table(), random_model(config), options_of(cuda_fp16, 32));
  ASSERT_TRUE(backend);
  Batch quiet(**backend, {20, 1, 9});
  ASSERT_TRUE(quiet.run(**backend));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (const Lane lane : {Lane::high, Lane::low, Lane::high, Lane::low}) {
    threads.emplace_back([&, lane] {
      for (int round = 0; round < 3; ++round) {
        Batch batch(**backend, {20, 1, 9});
        if (!batch.run(**backend, lane) || batch.vectors != quiet.vectors) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(fake.complaints(), IsEmpty());
}

TEST_F(CudaBackendTest, LaunchesNothingThatIsAbandoned) {
  FakeDriver fake({.computes = false});
  auto backend = make_cuda_backend(fake.table(), random_model(tiny), options_of(cuda_bf16));
  ASSERT_TRUE(backend);
  Batch batch(**backend, {5});
  const auto workspace = (*backend)->make_workspace(5, 1, Lane::low);
  YieldGate gate;
  gate.abandon();
  const uint64_t calls = fake.calls();
  EXPECT_FALSE((*backend)->run(batch.tokens(false), *workspace, gate, batch.pointers()));
  EXPECT_EQ(fake.calls(), calls);
}

TEST_F(CudaBackendTest, DescribesItself) {
  const FakeDriver fake;
  auto backend = make_cuda_backend(fake.table(), random_model(tiny), options_of(cuda_bf16));
  ASSERT_TRUE(backend);
  EXPECT_EQ((*backend)->describe(), "cuda bf16 (fake device)");
  EXPECT_EQ((*backend)->dims(), 64U);
  EXPECT_GT((*backend)->bytes(), 2U * cuda_gemm_workspace_bytes);
}

}  // namespace
}  // namespace hilo
