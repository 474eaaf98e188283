// The whole encoder on small random models: against double precision, against itself in other
// company, and under load.
#include "backend/cpu/cpu_backend.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "backend/cpu/choose_kernels.h"
#include "backend/cpu/levels_test_support.h"
#include "backend/cpu/random_model.h"
#include "backend/cpu/reference_encoder.h"
#include "base/heap_seal.h"

namespace hilo {
namespace {

struct Texts {
  std::vector<std::vector<uint32_t>> ids;

  static Texts of_lengths(const std::vector<size_t>& lengths, uint32_t vocabulary) {
    Texts texts;
    std::mt19937 random(3);
    std::uniform_int_distribution<uint32_t> id(0, vocabulary - 1);
    for (const size_t length : lengths) {
      std::vector<uint32_t>& text = texts.ids.emplace_back();
      for (size_t i = 0; i < length; ++i) text.push_back(id(random));
    }
    return texts;
  }
};

using Vectors = std::vector<std::vector<float>>;

// Runs the given texts as one batch.
class Batch {
 public:
  Batch(const Backend& backend, const Texts& texts) : vectors_(texts.ids.size()) {
    for (size_t text = 0; text < texts.ids.size(); ++text) {
      ids_.insert(ids_.end(), texts.ids[text].begin(), texts.ids[text].end());
      starts_.push_back(static_cast<uint32_t>(ids_.size()));
      vectors_[text].resize(backend.dims());
      pointers_.push_back(vectors_[text].data());
    }
  }
  std::unique_ptr<Workspace> workspace(const Backend& backend) const {
    return backend.make_workspace(starts_.back(), static_cast<uint32_t>(vectors_.size()));
  }
  const Vectors& run(const Backend& backend, Workspace& workspace, const YieldGate& gate,
                     std::span<const uint8_t> types = {}) {
    EXPECT_TRUE(backend.run(batch(types), workspace, gate, pointers_));
    return vectors_;
  }
  const Vectors& run_raw(const Backend& backend, Workspace& workspace,
                         std::span<const uint8_t> raw) {
    TokenBatch with_raw = batch();
    with_raw.raw = raw;
    EXPECT_TRUE(backend.run(with_raw, workspace, YieldGate{}, pointers_));
    return vectors_;
  }
  bool runs(const Backend& backend, Workspace& workspace, const YieldGate& gate) {
    return backend.run(batch(), workspace, gate, pointers_);
  }
  const Vectors& lead(const Backend& backend, Workspace& workspace, Crew::Member& leader) {
    for (std::vector<float>& vector : vectors_) std::ranges::fill(vector, 0.0F);
    EXPECT_TRUE(backend.lead(batch(), workspace, leader, YieldGate{}, pointers_));
    return vectors_;
  }
  void assist(const Backend& backend, Workspace& leaders, Workspace& own, Crew::Member& member) {
    backend.assist(batch(), leaders, own, member, pointers_);
  }

 private:
  TokenBatch batch(std::span<const uint8_t> types = {}) const {
    return {.ids = ids_, .types = types, .sequence_start = starts_};
  }

  std::vector<uint32_t> ids_;
  std::vector<uint32_t> starts_ = {0};
  Vectors vectors_;
  std::vector<float*> pointers_;
};

Vectors encode(const Backend& backend, const Texts& texts, std::span<const uint8_t> types = {}) {
  Batch batch(backend, texts);
  return batch.run(backend, *batch.workspace(backend), YieldGate{}, types);
}

void expect_near(const std::vector<float>& vector, const reference::Row& exact, double tolerance) {
  ASSERT_EQ(vector.size(), exact.size());
  for (size_t i = 0; i < exact.size(); ++i) {
    ASSERT_NEAR(double{vector[i]}, exact[i], tolerance) << "component " << i;
  }
}

// How far a precision may lead away from double precision, with random weights: a component in
// fp32, the angle between the vectors otherwise.
void expect_close(const std::vector<float>& vector, const reference::Row& exact,
                  Precision precision) {
  if (precision == Precision::fp32) return expect_near(vector, exact, 2e-5);
  if (exact.size() == 1) return expect_near(vector, exact, 0.1);  // a cross-encoder's score
  double product = 0.0;
  double squares = 0.0;
  double exact_squares = 0.0;
  for (size_t i = 0; i < exact.size(); ++i) {
    product += double{vector[i]} * exact[i];
    squares += double{vector[i]} * double{vector[i]};
    exact_squares += exact[i] * exact[i];
  }
  const double least = precision == Precision::bf16 ? 0.9995 : 0.995;
  EXPECT_GE(product / std::sqrt(squares * exact_squares), least);
}

std::unique_ptr<Backend> backend_of(const Model& model, CpuLevel level,
                                    Precision precision = Precision::fp32) {
  return *make_cpu_backend(model, precision, level);
}
std::unique_ptr<Backend> backend_of(const Model& model, const KernelCase& which) {
  return backend_of(model, which.level, which.precision);
}

class Encoder : public testing::TestWithParam<KernelCase> {};
INSTANTIATE_TEST_SUITE_P(Levels, Encoder, testing::ValuesIn(kernel_cases_here()), name_of_case);

constexpr EncoderConfig tiny = {.layers = 2,
                                .hidden = 64,
                                .heads = 2,
                                .intermediate = 128,
                                .vocabulary = 50,
                                .positions_max = 300,
                                .token_types = 2};

EncoderConfig shape(uint32_t hidden, uint32_t heads, uint32_t intermediate) {
  EncoderConfig config = tiny;
  config.hidden = hidden;
  config.heads = heads;
  config.intermediate = intermediate;
  return config;
}

// Head sizes 32, 64, 12, 48, 1 and 80; widths that are no multiple of any vector.
const EncoderConfig shapes[] = {shape(64, 2, 128), shape(128, 2, 256), shape(60, 5, 77),
                                shape(96, 2, 200), shape(3, 3, 5),     shape(80, 1, 33)};

TEST_P(Encoder, MatchesDoublePrecisionForEveryShape) {
  const Texts texts = Texts::of_lengths({1, 2, 7, 14, 15, 33, 64}, tiny.vocabulary);
  for (const EncoderConfig& config : shapes) {
    for (const Pooling pooling : {Pooling::mean, Pooling::cls, Pooling::last}) {
      const bool normalize = pooling == Pooling::mean;
      const Model model = random_model(config, pooling, normalize);
      const Vectors vectors = encode(*backend_of(model, GetParam()), texts);
      for (size_t text = 0; text < texts.ids.size(); ++text) {
        SCOPED_TRACE(testing::Message() << "hidden " << config.hidden << ", text " << text);
        expect_close(vectors[text], reference::vector_of(model, texts.ids[text]),
                     GetParam().precision);
      }
    }
  }
}

EncoderConfig with_position_offset() {
  EncoderConfig config = tiny;
  config.padding_id = 1;
  config.token_types = 0;
  return config;
}

EncoderConfig with_relative_bias(uint32_t hidden, uint32_t heads) {
  EncoderConfig config = shape(hidden, heads, 64);
  config.relative_bias = true;
  return config;
}

// The longest text that fits, and padding tokens in the middle of one.
TEST_P(Encoder, CountsPositionsBehindThePadding) {
  const Model model = random_model(with_position_offset());
  Texts texts = Texts::of_lengths({1, 9, 298}, tiny.vocabulary);
  texts.ids[1][3] = texts.ids[1][4] = 1;
  const Vectors vectors = encode(*backend_of(model, GetParam()), texts);
  for (size_t text = 0; text < texts.ids.size(); ++text) {
    SCOPED_TRACE(testing::Message() << "text " << text);
    expect_close(vectors[text], reference::vector_of(model, texts.ids[text]), GetParam().precision);
  }
}

// Tiles, panels and all buckets of distances on both sides; heads of 32, 12 and 5 columns.
TEST_P(Encoder, AddsTheRelativeBias) {
  const Texts texts = Texts::of_lengths({1, 2, 40, 130}, tiny.vocabulary);
  for (const EncoderConfig& config :
       {with_relative_bias(64, 2), with_relative_bias(60, 5), with_relative_bias(5, 1)}) {
    const Model model = random_model(config);
    const Vectors vectors = encode(*backend_of(model, GetParam()), texts);
    for (size_t text = 0; text < texts.ids.size(); ++text) {
      SCOPED_TRACE(testing::Message() << "hidden " << config.hidden << ", text " << text);
      expect_close(vectors[text], reference::vector_of(model, texts.ids[text]),
                   GetParam().precision);
    }
  }
}

// Whatever shares the batch: the buffers of scores are used again and again.
TEST_P(Encoder, VectorsWithRelativeBiasDoNotDependOnTheBatch) {
  const Model model = random_model(with_relative_bias(64, 2));
  const auto backend = backend_of(model, GetParam());
  const Texts texts = Texts::of_lengths({300, 1, 33, 2, 129}, tiny.vocabulary);
  const Vectors together = encode(*backend, texts);
  for (size_t text = 0; text < texts.ids.size(); ++text) {
    EXPECT_EQ(encode(*backend, Texts{{texts.ids[text]}})[0], together[text]) << "text " << text;
  }
}

TEST_P(Encoder, ScoresPairs) {
  for (const ScoreFunction function : {ScoreFunction::identity, ScoreFunction::sigmoid}) {
    const Model model = random_cross_encoder(shape(60, 5, 77), function);
    const auto backend = backend_of(model, GetParam());
    EXPECT_EQ(backend->dims(), 1U);
    const Texts texts = Texts::of_lengths({4, 6}, tiny.vocabulary);
    const std::vector<uint8_t> types = {0, 0, 1, 1, 0, 0, 0, 1, 1, 1};
    const Vectors scores = encode(*backend, texts, types);
    const std::span<const uint8_t> all = types;
    expect_close(scores[0], reference::vector_of(model, texts.ids[0], all.first(4)),
                 GetParam().precision);
    expect_close(scores[1], reference::vector_of(model, texts.ids[1], all.subspan(4)),
                 GetParam().precision);
  }
}

// Goal: a raw text's vector is that of a model that does not normalize, or has no sigmoid, and
// other texts do not see it. Method: every other text of several chunks, against whole batches of
// each.
TEST_P(Encoder, LeavesRawTextsAsTheyAre) {
  const Texts texts = Texts::of_lengths({9, 128, 1, 70, 64, 2, 300, 5}, tiny.vocabulary);
  const std::vector<uint8_t> raw = {1, 0, 1, 0, 1, 0, 1, 0};
  const auto expect_mixed = [&](const Model& with, const Model& without) {
    const auto backend = backend_of(with, GetParam());
    const Vectors all = encode(*backend, texts);
    const Vectors none = encode(*backend_of(without, GetParam()), texts);
    Batch batch(*backend, texts);
    const Vectors& mixed = batch.run_raw(*backend, *batch.workspace(*backend), raw);
    for (size_t text = 0; text < texts.ids.size(); ++text) {
      EXPECT_EQ(mixed[text], raw[text] != 0 ? none[text] : all[text]) << "text " << text;
      EXPECT_NE(none[text], all[text]);
    }
  };
  expect_mixed(random_model(tiny, Pooling::mean, /*normalize=*/true),
               random_model(tiny, Pooling::mean, /*normalize=*/false));
  expect_mixed(random_cross_encoder(tiny, ScoreFunction::sigmoid),
               random_cross_encoder(tiny, ScoreFunction::identity));
}

TEST_P(Encoder, AddsTokenTypes) {
  const Model model = random_model(tiny);
  const Texts texts = Texts::of_lengths({4, 6}, tiny.vocabulary);
  const std::vector<uint8_t> types = {0, 0, 1, 1, 0, 1, 0, 1, 1, 1};
  const Vectors vectors = encode(*backend_of(model, GetParam()), texts, types);
  const std::span<const uint8_t> all = types;
  expect_close(vectors[0], reference::vector_of(model, texts.ids[0], all.first(4)),
               GetParam().precision);
  expect_close(vectors[1], reference::vector_of(model, texts.ids[1], all.subspan(4)),
               GetParam().precision);
}

// Goal: a text's vector is the same bits whatever shares its batch and wherever it stands. Method:
// lengths on both sides of every tile, panel, block and chunk border; together, alone, reversed.
TEST_P(Encoder, VectorsDoNotDependOnTheBatch) {
  const Model model = random_model(tiny);
  const auto backend = backend_of(model, GetParam());
  Texts texts = Texts::of_lengths(
      {1, 128, 2, 127, 5, 6, 7, 13, 14, 15, 31, 32, 33, 300, 64, 84, 85, 129, 3, 3}, 50);
  const Vectors together = encode(*backend, texts);
  for (size_t text = 0; text < texts.ids.size(); ++text) {
    EXPECT_EQ(encode(*backend, Texts{{texts.ids[text]}})[0], together[text]) << "text " << text;
  }
  std::reverse(texts.ids.begin(), texts.ids.end());
  Vectors backwards = encode(*backend, texts);
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(backwards, together);
}

// Between levels a float differs by rounding. A rounding that tips a number to the next bf16 or
// integer makes it differ by a step.
TEST_P(Encoder, AgreesWithTheScalarLevel) {
  const Texts texts = Texts::of_lengths({1, 9, 100}, tiny.vocabulary);
  EncoderConfig config = shape(384, 12, 512);
  config.layers = 3;
  const Model model = random_model(config);
  const Vectors vectors = encode(*backend_of(model, GetParam()), texts);
  const Vectors scalar = encode(*backend_of(model, CpuLevel::scalar, GetParam().precision), texts);
  for (size_t text = 0; text < texts.ids.size(); ++text) {
    SCOPED_TRACE(testing::Message() << "text " << text);
    // In 8 bits a tie that rounds the other way is a whole step, so no bound holds for components.
    expect_close(vectors[text], {scalar[text].begin(), scalar[text].end()}, GetParam().precision);
  }
}

// A text far longer than a chunk, with scores that no small cache holds.
TEST_P(Encoder, EncodesTextsLongerThanAChunk) {
  EncoderConfig config = shape(32, 1, 32);
  config.layers = 1;
  config.positions_max = 700;
  const Model model = random_model(config);
  const Texts texts = Texts::of_lengths({5, 700, 500}, config.vocabulary);
  const Vectors vectors = encode(*backend_of(model, GetParam()), texts);
  expect_close(vectors[1], reference::vector_of(model, texts.ids[1]), GetParam().precision);
  expect_close(vectors[0], reference::vector_of(model, texts.ids[0]), GetParam().precision);
}

// One backend, many threads, each with a workspace: all get the bits of a quiet run.
TEST_P(Encoder, RunsInManyThreadsAtOnce) {
  const Model model = random_model(tiny);
  const auto backend = backend_of(model, GetParam());
  const Texts texts = Texts::of_lengths({30, 1, 17, 90}, tiny.vocabulary);
  const Vectors expected = encode(*backend, texts);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      Batch batch(*backend, texts);
      const auto workspace = batch.workspace(*backend);
      for (int round = 0; round < 5; ++round) {
        if (batch.run(*backend, *workspace, YieldGate{}) != expected) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Goal: a text's vector is the same bits however many threads share the work. Method: a leader runs
// batches of several chunks while others join and leave as they happen to come.
TEST_P(Encoder, SharesABatchAmongThreads) {
  const Model model = random_model(tiny);
  const auto backend = backend_of(model, GetParam());
  const Texts texts = Texts::of_lengths({40, 1, 17, 90, 130, 3}, tiny.vocabulary);
  const Vectors expected = encode(*backend, texts);
  Batch batch(*backend, texts);
  const auto leaders = batch.workspace(*backend);
  Crew crew{3};
  std::atomic<bool> stopping = false;
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back([&] {
      const auto own = batch.workspace(*backend);
      while (!stopping) {
        if (std::optional<Crew::Member> member = crew.join()) {
          batch.assist(*backend, *leaders, *own, *member);
          crew.leave();
        }
        std::this_thread::yield();
      }
    });
  }
  for (int run = 0; run < 8; ++run) {
    crew.wait_until_alone();
    Crew::Member leader = crew.open();
    EXPECT_EQ(batch.lead(*backend, *leaders, leader), expected);
    crew.close();
  }
  stopping = true;
  for (std::thread& other : others) other.join();
}

// Goal: a closed gate stops the work where it is, and opening it lets it finish to the same bits.
// Method: another thread closes and opens the gate many times while batches run.
TEST_P(Encoder, WaitsAtAClosedGate) {
  using std::chrono::milliseconds;
  const Model model = random_model(tiny);
  const auto backend = backend_of(model, GetParam());
  const Texts texts = Texts::of_lengths({30, 17, 90}, tiny.vocabulary);
  const Vectors expected = encode(*backend, texts);
  YieldGate gate;
  gate.close();
  std::atomic<bool> finished = false;
  std::thread worker([&] {
    Batch batch(*backend, texts);
    EXPECT_EQ(batch.run(*backend, *batch.workspace(*backend), gate), expected);
    finished = true;
  });
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_FALSE(finished);
  gate.open();
  for (int i = 0; i < 20 && !finished; ++i) {
    gate.close();
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    gate.open();
  }
  worker.join();
}

// Fails if abandoned work is told to be done, or leaves a workspace that is of no use.
TEST_P(Encoder, AbandonsABatchAtItsGate) {
  const Model model = random_model(tiny);
  const auto backend = backend_of(model, GetParam());
  const Texts texts = Texts::of_lengths({30, 17, 90}, tiny.vocabulary);
  Batch batch(*backend, texts);
  const auto workspace = batch.workspace(*backend);
  YieldGate abandoned;
  abandoned.abandon();
  EXPECT_FALSE(batch.runs(*backend, *workspace, abandoned));
  EXPECT_EQ(batch.run(*backend, *workspace, YieldGate{}), encode(*backend, texts));
}

// The seal aborts the process on an allocation (in debug builds, where it is active).
TEST_P(Encoder, AllocatesNothingWhileRunning) {
  const Model model = random_model(tiny);
  const auto backend = backend_of(model, GetParam());
  Batch batch(*backend, Texts::of_lengths({3, 200, 40}, tiny.vocabulary));
  const auto workspace = batch.workspace(*backend);
  const YieldGate gate;
  const HeapSeal seal;
  batch.run(*backend, *workspace, gate);
}

TEST(CpuBackend, TellsWhatItIsAndWhatItHolds) {
  const Model model = random_model(tiny);
  const auto backend = backend_of(model, CpuLevel::scalar);
  EXPECT_EQ(backend->describe(), "cpu fp32 (scalar)");
  EXPECT_EQ(backend->dims(), 64U);
  EXPECT_EQ(backend->vocabulary(), 50U);
  EXPECT_FALSE(backend->instant());
  constexpr size_t layer_floats = 4 * 64 * 64 + 2 * 64 * 128 + 4 * 64 + 128 + 64 + 4 * 64;
  constexpr size_t floats = (50 + 300 + 2) * 64 + 2 * 64 + 2 * layer_floats;
  EXPECT_EQ(backend->bytes(), floats * sizeof(float));
  const size_t small = backend->make_workspace(10, 1)->bytes();
  EXPECT_GT(small, size_t{10} * (64 + 3 * 64 + 64 + 128) * sizeof(float));
  // More than a chunk needs no more room, only more rounds.
  EXPECT_EQ(backend->make_workspace(1000, 9)->bytes(), backend->make_workspace(8000, 99)->bytes());
}

TEST(CpuBackend, RefusesUnevenHeads) {
  Model model = random_model(tiny);
  model.header.encoder.heads = 7;
  const auto backend = make_cpu_backend(model, Precision::fp32, CpuLevel::scalar);
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.error().message,
            "random has hidden size 64 with 7 heads and intermediate size 128: every head needs an "
            "equal, non-empty share. Use a model with other sizes.");
}

TEST(CpuBackendDeathTest, AnIdOutsideTheVocabularyStopsTheProcess) {
  const Model model = random_model(tiny);
  const auto backend = backend_of(model, CpuLevel::scalar);
  EXPECT_DEATH(encode(*backend, Texts{{{1, 50}}}), "row < rows_");
}

}  // namespace
}  // namespace hilo
