// What every backend must do, held to by one suite: the contract of backend/backend.h. Where a
// level or a device is missing, the test says that it was skipped.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/encoder_test_support.h"
#include "backend/cuda/host/fake_driver.h"
#include "backend/tensorrt/tensorrt_test_support.h"
#include "base/cpu_level.h"

namespace hilo {
namespace {

// A backend and the device that it is on, if that is played.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual const Backend& backend() const = 0;
  // What the played device was asked wrongly.
  virtual std::vector<std::string> complaints() const { return {}; }
};

class CpuSubject final : public Subject {
 public:
  CpuSubject(const Model& model, Precision precision, CpuLevel level)
      : backend_(*make_cpu_backend(model, precision, level)) {}
  const Backend& backend() const override { return *backend_; }

 private:
  const std::unique_ptr<Backend> backend_;
};

class CudaSubject final : public Subject {
 public:
  CudaSubject(const Model& model, CudaFormat format)
      : backend_(*make_cuda_backend(driver_.table(), model,
                                    {.format = format, .quantum_tokens = 64, .quantum_texts = 8})) {
  }
  const Backend& backend() const override { return *backend_; }
  std::vector<std::string> complaints() const override { return driver_.complaints(); }

 private:
  const FakeDriver driver_;
  const std::unique_ptr<Backend> backend_;
};

class TensorRtSubject final : public Subject {
 public:
  TensorRtSubject(const Model& model, TensorRtType ids)
      : played_(model, {.ids = ids}), backend_(*played_.make()) {}
  const Backend& backend() const override { return *backend_; }
  std::vector<std::string> complaints() const override {
    std::vector<std::string> all = played_.driver.complaints();
    for (std::string& complaint : played_.shim.complaints()) all.push_back(std::move(complaint));
    return all;
  }

 private:
  const PlayedTensorRt played_;
  const std::unique_ptr<Backend> backend_;
};

struct Candidate {
  std::string name;
  // From the scalar level in fp32, on random weights, which exaggerate.
  double cosine_min;
  double score_difference_max;
  std::optional<CpuLevel> level;  // that the machine must have
  std::function<std::unique_ptr<Subject>(const Model&)> make;
};
void PrintTo(const Candidate& candidate, std::ostream* out) { *out << candidate.name; }

Candidate on_cpu(const std::string& name, Precision precision, CpuLevel level, double cosine_min,
                 double score_difference_max) {
  return {name, cosine_min, score_difference_max, level, [=](const Model& model) {
            return std::make_unique<CpuSubject>(model, precision, level);
          }};
}
Candidate on_cuda(const std::string& name, CudaFormat format, double score_difference_max) {
  return {name, 0.9999, score_difference_max, std::nullopt,
          [=](const Model& model) { return std::make_unique<CudaSubject>(model, format); }};
}
Candidate on_tensorrt(const std::string& name, TensorRtType ids) {
  return {name, 0.999999, 1e-5, std::nullopt,
          [=](const Model& model) { return std::make_unique<TensorRtSubject>(model, ids); }};
}

class Conformance : public testing::TestWithParam<Candidate> {
 protected:
  void SetUp() override {
    if (GetParam().level && *GetParam().level > *select_cpu_level())
      GTEST_SKIP() << "this machine has no " << cpu_level_name(*GetParam().level);
#if defined(__SANITIZE_THREAD__)
    // It sees the kernels, and two lanes at once, in the tests of backend/cuda.
    if (GetParam().name.starts_with("cuda"))
      GTEST_SKIP() << "a whole encoder of fibres takes the thread sanitizer minutes";
#endif
  }
  std::unique_ptr<Subject> make(const Model& model) const { return GetParam().make(model); }
};

INSTANTIATE_TEST_SUITE_P(
    Backends, Conformance,
    testing::Values(on_cpu("scalar", Precision::fp32, CpuLevel::scalar, 0.999999, 1e-5),
                    on_cpu("avx2", Precision::fp32, CpuLevel::avx2, 0.999999, 1e-4),
                    on_cpu("avx512", Precision::fp32, CpuLevel::avx512, 0.999999, 1e-4),
                    on_cpu("bf16", Precision::bf16, CpuLevel::avx512_bf16, 0.999, 0.05),
                    on_cpu("int8", Precision::int8, CpuLevel::avx512_vnni, 0.99, 0.2),
                    on_cuda("cuda_on_host_bf16", cuda_bf16, 0.06),
                    on_cuda("cuda_on_host_fp16", cuda_fp16, 0.01),
                    on_tensorrt("tensorrt_fake_int32", tensorrt_int32),
                    on_tensorrt("tensorrt_fake_int64", tensorrt_int64)),
    [](const auto& test) { return test.param.name; });

TEST_P(Conformance, AgreesWithTheDefinitionForEveryFamily) {
  Agreement worst;
  for (const ModelCase& of : model_cases()) {
    SCOPED_TRACE(of.name);
    const auto subject = make(of.model);
    const Agreement found =
        agreement_with_cpu(subject->backend(), of, {1, 5, 40, 17}, CpuLevel::scalar);
    EXPECT_GE(found.cosine, GetParam().cosine_min);
    EXPECT_LE(found.length, 0.01);
    EXPECT_LE(found.score, GetParam().score_difference_max);
    worst.cosine = std::min(worst.cosine, found.cosine);
    worst.score = std::max(worst.score, found.score);
    EXPECT_THAT(subject->complaints(), testing::IsEmpty());
  }
  // The table in docs/GPU.md is made of these.
  fmt::print("| {} | {:.7f} | {:.1g} |\n", GetParam().name, worst.cosine, worst.score);
}

TEST_P(Conformance, TellsWhatTheModelIs) {
  {  // One played device at a time.
    const auto scores = make(random_cross_encoder(tiny, ScoreFunction::sigmoid));
    EXPECT_EQ(scores->backend().dims(), 1U);
  }
  const auto subject = make(random_model(tiny));
  EXPECT_EQ(subject->backend().dims(), tiny.hidden);
  EXPECT_EQ(subject->backend().vocabulary(), tiny.vocabulary);
  EXPECT_EQ(subject->backend().token_types(), tiny.token_types);
  EXPECT_NE(subject->backend().describe(), "");
  EXPECT_GT(subject->backend().bytes(), 0U);
}

// Short and long, more than a quantum, and the longest that there is.
TEST_P(Conformance, AVectorDependsOnItsTextAlone) {
  const auto subject = make(random_model(tiny));
  Batch together(subject->backend(), {1, 30, 33, 2, tiny.positions_max, 16, 17, 3, 3, 1, 1});
  ASSERT_TRUE(together.run(subject->backend()));
  for (size_t text = 0; text < together.vectors.size(); ++text) {
    Batch alone = together.alone(text);
    ASSERT_TRUE(alone.run(subject->backend(), Lane::low));
    EXPECT_EQ(alone.vectors[0], together.vectors[text]) << "text " << text;
  }
  EXPECT_THAT(subject->complaints(), testing::IsEmpty());
}

TEST_P(Conformance, TypesThatAreNotGivenAreZero) {
  const auto subject = make(random_cross_encoder(tiny, ScoreFunction::identity));
  Batch batch(subject->backend(), {9, 4});
  ASSERT_TRUE(batch.run(subject->backend(), Lane::high, /*with_types=*/true));
  const auto typed = batch.vectors;
  ASSERT_TRUE(batch.run(subject->backend(), Lane::high, /*with_types=*/false));
  const auto untyped = batch.vectors;
  EXPECT_NE(typed, untyped);
  batch.types.assign(batch.types.size(), 0);
  ASSERT_TRUE(batch.run(subject->backend(), Lane::high, /*with_types=*/true));
  EXPECT_EQ(batch.vectors, untyped);
}

TEST_P(Conformance, ARawVectorIsNotScaled) {
  const auto subject = make(random_model(tiny));
  Batch batch(subject->backend(), {9, 9});
  std::copy_n(batch.ids.begin(), 9, batch.ids.begin() + 9);
  batch.raw = {0, 1};
  ASSERT_TRUE(batch.run(subject->backend()));
  EXPECT_NEAR(length(batch.vectors[0]), 1.0, 1e-3);
  EXPECT_GT(length(batch.vectors[1]), 1.5);
  EXPECT_GE(cosine(batch.vectors[0], batch.vectors[1]), 0.99999);
}

// Their mean is the text's vector, whatever else is in the batch, and each has its place.
TEST_P(Conformance, VectorsOfTokensAreWhatIsPooled) {
  if (!make(random_model(tiny))->backend().gives_token_vectors()) GTEST_SKIP() << "it has none";
  // A width that leaves room between two vectors.
  const auto subject =
      make(random_model(changed([](EncoderConfig& c) { c.hidden = 72; }), Pooling::mean, true));
  const Backend& backend = subject->backend();
  Batch batch(backend, {9, 9, 70, 5, 9});
  for (const size_t text : {1U, 4U})
    std::copy_n(batch.ids.begin(), 9, &batch.ids[batch.starts[text]]);
  batch.raw = {1, 0, 0, 0, 0};
  batch.ask_for_tokens(backend, 1, 1);
  batch.ask_for_tokens(backend, 2, 3);
  batch.ask_for_tokens(backend, 4, 9);
  ASSERT_TRUE(batch.run(backend));

  const size_t stride = slot_floats(backend.dims());
  ASSERT_GT(stride, backend.dims());
  std::vector<float> mean(backend.dims());
  for (size_t token = 0; token < 9; ++token)
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += batch.vectors[1][token * stride + i] / 9;
  for (size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], batch.vectors[0][i], 1e-6) << i;
  EXPECT_EQ(batch.vectors[1][stride - 1], -7.0F);  // between two of them
  EXPECT_EQ(batch.vectors[4],
            std::vector<float>(batch.vectors[1].end() - stride, batch.vectors[1].end()));
  for (const size_t text : {1U, 2U, 3U, 4U}) {
    Batch alone = batch.alone(text);
    ASSERT_TRUE(alone.run(backend, Lane::low));
    EXPECT_EQ(alone.vectors[0], batch.vectors[text]) << "text " << text;
  }
}

TEST_P(Conformance, ARawScoreIsALogit) {
  const auto subject = make(random_cross_encoder(tiny, ScoreFunction::sigmoid));
  Batch batch(subject->backend(), {9, 9});
  std::copy_n(batch.ids.begin(), 9, batch.ids.begin() + 9);
  batch.raw = {0, 1};
  ASSERT_TRUE(batch.run(subject->backend()));
  EXPECT_NEAR(batch.vectors[0][0], 1.0 / (1.0 + std::exp(-double{batch.vectors[1][0]})), 1e-5);
}

TEST_P(Conformance, AnAbandonedRunIsFalse) {
  const auto subject = make(random_model(tiny));
  Batch batch(subject->backend(), {5});
  const auto workspace = subject->backend().make_workspace(5, 1, Lane::low);
  YieldGate gate;
  gate.abandon();
  EXPECT_FALSE(subject->backend().run(batch.tokens(false), *workspace, gate, batch.pointers()));
  Batch after(subject->backend(), {5});
  EXPECT_TRUE(after.run(subject->backend(), Lane::low));
}

TEST_P(Conformance, ThreadsOfBothLanesGetTheSameBits) {
  const auto subject = make(random_model(tiny));
  Batch quiet(subject->backend(), {20, 1, 9});
  ASSERT_TRUE(quiet.run(subject->backend()));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (const Lane lane : {Lane::high, Lane::high, Lane::low, Lane::low}) {
    threads.emplace_back([&, lane] {
      for (int round = 0; round < 2; ++round) {
        Batch batch(subject->backend(), {20, 1, 9});
        if (!batch.run(subject->backend(), lane) || batch.vectors != quiet.vectors) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(subject->complaints(), testing::IsEmpty());
}

}  // namespace
}  // namespace hilo
