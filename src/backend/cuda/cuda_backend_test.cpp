// The whole encoder on the device that is played on the host, against the CPU's; and what becomes
// of it when a call fails.
#include "backend/cuda/cuda_backend.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/random_model.h"
#include "backend/cuda/host/fake_driver.h"
#include "backend/cuda/kernels_test_support.h"
#include "base/log.h"

namespace hilo {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr EncoderConfig tiny = {.layers = 2,
                                .hidden = 64,
                                .heads = 2,
                                .intermediate = 128,
                                .vocabulary = 50,
                                .positions_max = 80,
                                .token_types = 2};

// Texts as one batch, and room for their vectors.
struct Batch {
  Batch(const Backend& backend, const std::vector<size_t>& lengths, uint32_t seed = 3) {
    std::mt19937 random(seed);
    for (const size_t length : lengths) {
      for (size_t i = 0; i < length; ++i) {
        ids.push_back(static_cast<uint32_t>(random()) % backend.vocabulary());
        types.push_back(static_cast<uint8_t>(random() % 2));
      }
      starts.push_back(static_cast<uint32_t>(ids.size()));
      vectors.emplace_back(backend.dims(), -7.0F);
    }
    for (std::vector<float>& vector : vectors) pointers.push_back(vector.data());
  }
  TokenBatch tokens(bool with_types) const {
    return {.ids = ids,
            .types = with_types ? std::span{types} : std::span<const uint8_t>{},
            .sequence_start = starts,
            .raw = raw};
  }
  bool run(const Backend& backend, Lane lane = Lane::high, bool with_types = false) {
    const auto workspace = backend.make_workspace(starts.back(), 1, lane);
    return backend.run(tokens(with_types), *workspace, YieldGate{}, pointers);
  }

  std::vector<uint32_t> ids;
  std::vector<uint8_t> types;
  std::vector<uint8_t> raw;
  std::vector<uint32_t> starts = {0};
  std::vector<std::vector<float>> vectors;
  std::vector<float*> pointers;
};

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0.0, a_squares = 0.0, b_squares = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * double{b[i]};
    a_squares += double{a[i]} * double{a[i]};
    b_squares += double{b[i]} * double{b[i]};
  }
  return product / std::sqrt(a_squares * b_squares);
}

double length(const std::vector<float>& vector) {
  double squares = 0.0;
  for (const float number : vector) squares += double{number} * double{number};
  return std::sqrt(squares);
}

struct ModelCase {
  std::string name;
  Model model;
  bool with_types = false;
};

EncoderConfig changed(void (*change)(EncoderConfig&)) {
  EncoderConfig config = tiny;
  change(config);
  return config;
}

// What the families differ in, and what pooling there is.
std::vector<ModelCase> model_cases() {
  const EncoderConfig distilbert = changed([](EncoderConfig& c) { c.token_types = 0; });
  const EncoderConfig roberta = changed([](EncoderConfig& c) {
    c.token_types = 1;
    c.padding_id = 1;
  });
  const EncoderConfig mpnet = changed([](EncoderConfig& c) {
    c.token_types = 0;
    c.padding_id = 1;
    c.relative_bias = true;
  });
  const EncoderConfig small_heads = changed([](EncoderConfig& c) {
    c.hidden = 96;
    c.heads = 4;
    c.intermediate = 200;
  });
  std::vector<ModelCase> cases;
  cases.push_back({"bert", random_model(tiny), true});
  cases.push_back({"bert_last", random_model(tiny, Pooling::last, false)});
  cases.push_back({"distilbert", random_model(distilbert, Pooling::cls, true)});
  cases.push_back({"roberta", random_model(roberta)});
  cases.push_back({"mpnet", random_model(mpnet)});
  cases.push_back({"small_heads", random_model(small_heads)});
  cases.push_back({"cross_encoder", random_cross_encoder(tiny, ScoreFunction::identity), true});
  cases.push_back({"cross_encoder_sigmoid", random_cross_encoder(roberta, ScoreFunction::sigmoid)});
  return cases;
}

CudaBackendOptions options_of(CudaFormat format, uint32_t quantum_tokens = 64) {
  return {.format = format, .quantum_tokens = quantum_tokens, .quantum_texts = 8};
}

class CudaEncoder : public testing::TestWithParam<CudaFormat> {
 protected:
  ~CudaEncoder() override { EXPECT_THAT(fake_.complaints(), IsEmpty()); }
  std::unique_ptr<Backend> make(const Model& model, const CudaBackendOptions& options) {
    auto backend = make_cuda_backend(fake_.table(), model, options);
    EXPECT_TRUE(backend) << backend.error().message;
    return *std::move(backend);
  }
  FakeDriver fake_;
};
INSTANTIATE_TEST_SUITE_P(Formats, CudaEncoder, testing::Values(cuda_bf16, cuda_fp16), format_name);

TEST_P(CudaEncoder, MatchesTheCpuForEveryFamily) {
  for (const ModelCase& of : model_cases()) {
    SCOPED_TRACE(of.name);
    const auto backend = make(of.model, options_of(GetParam()));
    const auto cpu = *make_cpu_backend(of.model, Precision::fp32, CpuLevel::scalar);
    Batch batch(*backend, {1, 5, 40, 17});
    batch.raw = {0, 1, 0, 1};
    if (of.model.header.encoder.padding_id) batch.ids[8] = batch.ids[9] = 1;
    Batch expected = batch;
    expected.pointers.clear();
    for (std::vector<float>& vector : expected.vectors) expected.pointers.push_back(vector.data());
    ASSERT_TRUE(batch.run(*backend, Lane::high, of.with_types));
    ASSERT_TRUE(expected.run(*cpu, Lane::high, of.with_types));
    for (size_t text = 0; text < batch.vectors.size(); ++text) {
      if (backend->dims() == 1) {
        EXPECT_NEAR(batch.vectors[text][0], expected.vectors[text][0], 0.03F) << text;
      } else {
        EXPECT_GE(cosine(batch.vectors[text], expected.vectors[text]), 0.9999) << text;
        EXPECT_NEAR(length(batch.vectors[text]) / length(expected.vectors[text]), 1, 0.01) << text;
      }
    }
  }
}

// Goal: the contract of Backend. Method: many texts in quanta of 64 tokens, together and alone.
TEST_P(CudaEncoder, VectorsDoNotDependOnTheBatch) {
  const Model model = random_model(tiny);
  const auto backend = make(model, options_of(GetParam()));
  Batch together(*backend, {1, 30, 33, 2, 80, 16, 17, 3, 3, 1, 1, 1, 1, 1, 1});
  ASSERT_TRUE(together.run(*backend));
  for (size_t text = 0; text < together.vectors.size(); ++text) {
    Batch alone(*backend, {1});
    alone.ids.assign(together.ids.begin() + together.starts[text],
                     together.ids.begin() + together.starts[text + 1]);
    alone.starts = {0, static_cast<uint32_t>(alone.ids.size())};
    ASSERT_TRUE(alone.run(*backend, Lane::low));
    EXPECT_EQ(alone.vectors[0], together.vectors[text]) << "text " << text;
  }
}

// ---- The device and its errors

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
  EXPECT_FALSE((*backend)->run(batch.tokens(false), *workspace, gate, batch.pointers));
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
