// The GPU's kernels on the host, each against the CPU's scalar kernels.
#include "backend/cuda/kernels.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numbers>

#include "backend/cpu/activations.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/pooling.h"
#include "backend/cpu/score_head.h"
#include "backend/cuda/kernels_test_support.h"

namespace hilo {
namespace {

INSTANTIATE_TEST_SUITE_P(Formats, CudaKernel, testing::Values(cuda_bf16, cuda_fp16), format_name);

constexpr float epsilon = 1e-12F;

// By the scalar kernel, whose rows are padded.
std::vector<float> normalized(std::vector<float> row, std::vector<float> gamma,
                              std::vector<float> beta) {
  const size_t columns = row.size();
  const size_t padded = round_up(columns, column_padding);
  for (std::vector<float>* vector : {&row, &gamma, &beta}) vector->resize(padded);
  scalar_kernels.normalize_layer(row.data(), gamma.data(), beta.data(), columns, epsilon);
  row.resize(columns);
  return row;
}

TEST(CudaKernels, UpcastKeepsIdsBelowTheVocabulary) {
  const std::vector<uint16_t> ids = {0, 1, 29, 30, 31, 65535};
  std::vector<int64_t> wide(ids.size());
  std::vector<int32_t> narrower(ids.size());
  CudaUpcast upcast{.ids = ids.data(), .wide = wide.data(), .count = 6, .vocabulary = 31};
  ASSERT_EQ(cuda_upcast_int64(&upcast, nullptr), 0);
  EXPECT_EQ(wide, (std::vector<int64_t>{0, 1, 29, 30, 30, 30}));
  upcast.wide = narrower.data();
  upcast.vocabulary = 65536;
  ASSERT_EQ(cuda_upcast_int32(&upcast, nullptr), 0);
  EXPECT_EQ(narrower, (std::vector<int32_t>{0, 1, 29, 30, 31, 65535}));
}

TEST(CudaKernels, UpcastTakesMoreThanABlock) {
  const std::vector<uint16_t> ids = Random{}.below<uint16_t>(65535, 1000);
  std::vector<int64_t> wide(ids.size());
  const CudaUpcast upcast{
      .ids = ids.data(), .wide = wide.data(), .count = 1000, .vocabulary = 65535};
  ASSERT_EQ(cuda_upcast_int64(&upcast, nullptr), 0);
  EXPECT_TRUE(std::ranges::equal(ids, wide));
}

// ---- Rows

struct EmbedCase {
  uint32_t hidden;
  uint32_t token_types;
};

TEST_P(CudaKernel, EmbedMatchesTheScalarLevel) {
  for (const auto [hidden, token_types] :
       {EmbedCase{8, 2}, EmbedCase{384, 2}, EmbedCase{1024, 0}, EmbedCase{776, 1}}) {
    const CudaBatchCounts counts{.tokens = 7, .texts = 1, .tiles = 1};
    constexpr uint32_t rows = 9;  // of the bucket
    std::vector<uint32_t> ids = random_.below<uint32_t>(50, rows);
    ids[3] = 1000;  // becomes 49
    const std::vector<uint32_t> positions = random_.below<uint32_t>(30, rows);
    const std::vector<uint8_t> types = random_.below<uint8_t>(std::max(token_types, 1U), rows);
    const auto words = random_.narrow_floats(format(), size_t{50} * hidden, 0.5F);
    const auto places = random_.narrow_floats(format(), size_t{30} * hidden, 0.3F);
    const auto kinds = random_.narrow_floats(format(), size_t{token_types} * hidden, 0.2F);
    const auto gamma = random_.floats(hidden, 0.1F, 1.0F);
    const auto beta = random_.floats(hidden, 0.1F);
    std::vector<uint16_t> out(size_t{rows} * hidden, 0xabcd);
    const CudaEmbed embed{.counts = &counts,
                          .ids = ids.data(),
                          .positions = positions.data(),
                          .types = types.data(),
                          .word_table = words.data(),
                          .position_table = places.data(),
                          .type_table = kinds.data(),
                          .gamma = gamma.data(),
                          .beta = beta.data(),
                          .out = out.data(),
                          .rows = rows,
                          .hidden = hidden,
                          .vocabulary = 50,
                          .positions_max = 30,
                          .token_types = token_types,
                          .epsilon = epsilon,
                          .format = format()};
    run_in_all_orders(out, [&] { return cuda_embed(&embed, nullptr); });
    for (uint32_t token = 0; token < counts.tokens; ++token) {
      std::vector<float> row(hidden);
      for (uint32_t i = 0; i < hidden; ++i) {
        row[i] = wide(words[size_t{std::min(ids[token], 49U)} * hidden + i]) +
                 wide(places[size_t{positions[token]} * hidden + i]);
        if (token_types > 0) row[i] += wide(kinds[size_t{types[token]} * hidden + i]);
      }
      const std::vector<float> expected = normalized(row, gamma, beta);
      for (uint32_t i = 0; i < hidden; ++i) expect_near(out[token * hidden + i], expected[i]);
    }
    // Behind the batch nothing is written.
    for (size_t i = size_t{counts.tokens} * hidden; i < out.size(); ++i) ASSERT_EQ(out[i], 0xabcd);
  }
}

TEST_P(CudaKernel, AddNormMatchesTheScalarLevel) {
  for (const uint32_t hidden : {8U, 64U, 384U, 1024U}) {
    const CudaBatchCounts counts{.tokens = 5, .texts = 1, .tiles = 1};
    constexpr uint32_t rows = 6;
    const auto product = random_.floats(size_t{rows} * hidden);
    const auto bias = random_.floats(hidden, 0.1F);
    const auto gamma = random_.floats(hidden, 0.1F, 1.0F);
    const auto beta = random_.floats(hidden, 0.1F);
    const auto before = random_.narrow_floats(format(), size_t{rows} * hidden);
    std::vector<uint16_t> inout = before;
    const CudaAddNorm add_norm{.counts = &counts,
                               .product = product.data(),
                               .bias = bias.data(),
                               .gamma = gamma.data(),
                               .beta = beta.data(),
                               .inout = inout.data(),
                               .rows = rows,
                               .hidden = hidden,
                               .epsilon = epsilon,
                               .format = format()};
    run_in_all_orders(inout, [&] { return cuda_add_norm(&add_norm, nullptr); });
    for (uint32_t token = 0; token < rows; ++token) {
      std::vector<float> row(hidden);
      for (uint32_t i = 0; i < hidden; ++i)
        row[i] = product[token * hidden + i] + bias[i] + wide(before[token * hidden + i]);
      const std::vector<float> expected = normalized(row, gamma, beta);
      for (uint32_t i = 0; i < hidden; ++i) {
        const size_t place = size_t{token} * hidden + i;
        if (token < counts.tokens)
          expect_near(inout[place], expected[i]);
        else
          ASSERT_EQ(inout[place], before[place]);
      }
    }
  }
}

// ---- GELU

// By the scalar kernel's epilogue: 16 products of a number and one.
void gelu_by_scalar_kernel(const float* numbers, const float* bias, float* out) {
  const float one = 1.0F;
  scalar_kernels.fp32.multiply({.rows = 1,
                                .depth = 1,
                                .panels = 1,
                                .left = reinterpret_cast<const Group*>(&one),
                                .left_stride = 1,
                                .right = reinterpret_cast<const Group*>(numbers),
                                .right_stride = 16,
                                .panel_stride = 16,
                                .out = out,
                                .out_stride = 16,
                                .epilogue = Epilogue::bias_gelu,
                                .bias = bias});
}

// All numbers that 16 bits hold, infinities and what is not a number apart.
TEST_P(CudaKernel, GeluMatchesTheScalarLevelForEveryNumber) {
  constexpr uint32_t columns = 256;
  constexpr uint32_t rows = 256;
  ASSERT_EQ(scalar_kernels.panel_columns, 16U);
  const CudaBatchCounts counts{.tokens = rows, .texts = 1, .tiles = 1};
  std::vector<uint16_t> inout(size_t{rows} * columns);
  for (size_t i = 0; i < inout.size(); ++i) {
    const auto bits = static_cast<uint16_t>(i);
    inout[i] = std::isfinite(wide(bits)) ? bits : 0;
  }
  const std::vector<uint16_t> before = inout;
  std::vector<float> bias(columns);
  for (size_t i = 128; i < columns; ++i) bias[i] = static_cast<float>(i) / 64.0F - 3.0F;
  const CudaGelu gelu{.counts = &counts,
                      .bias = bias.data(),
                      .inout = inout.data(),
                      .rows = rows,
                      .columns = columns,
                      .format = format()};
  ASSERT_EQ(cuda_gelu(&gelu, nullptr), 0);
  for (size_t i = 0; i < inout.size(); i += 16) {
    std::array<float, 16> numbers, expected;
    for (size_t k = 0; k < 16; ++k) numbers[k] = wide(before[i + k]);
    gelu_by_scalar_kernel(numbers.data(), bias.data() + i % columns, expected.data());
    for (size_t k = 0; k < 16; ++k) {
      if (std::abs(expected[k]) < 3e38F) expect_near(inout[i + k], expected[k]);
    }
  }
}

TEST_P(CudaKernel, GeluLeavesWhatIsBehindTheBatch) {
  const CudaBatchCounts counts{.tokens = 3, .texts = 1, .tiles = 1};
  constexpr uint32_t columns = 8;
  constexpr uint32_t rows = 300;
  std::vector<uint16_t> inout(size_t{rows} * columns, narrow(format(), 1.0F));
  const std::vector<float> bias(columns);
  const CudaGelu gelu{.counts = &counts,
                      .bias = bias.data(),
                      .inout = inout.data(),
                      .rows = rows,
                      .columns = columns,
                      .format = format()};
  run_in_all_orders(inout, [&] { return cuda_gelu(&gelu, nullptr); });
  for (size_t i = 0; i < inout.size(); ++i)
    ASSERT_NEAR(wide(inout[i]), i < 24 ? 0.8413F : 1.0F, 0.004F) << i;
}

// ---- From rows to vectors

std::vector<float> widened(CudaFormat format, const std::vector<uint16_t>& numbers) {
  std::vector<float> wide;
  for (const uint16_t bits : numbers) wide.push_back(widen(format, bits));
  return wide;
}

constexpr Pooling poolings[] = {Pooling::mean, Pooling::cls, Pooling::last};
CudaPooling cuda_pooling(Pooling pooling) {
  if (pooling == Pooling::mean) return cuda_pool_mean;
  return pooling == Pooling::cls ? cuda_pool_cls : cuda_pool_last;
}

TEST_P(CudaKernel, PoolMatchesThePoolingOfTheCpu) {
  const PackedTexts texts({3, 1, 40});
  const uint32_t tokens = texts.counts.tokens;
  for (const uint32_t hidden : {8U, 384U, 1024U}) {
    const auto rows = random_.narrow_floats(format(), size_t{tokens} * hidden);
    std::vector<float> wide_rows = widened(format(), rows);
    const Matrix matrix{Precision::fp32, reinterpret_cast<uint8_t*>(wide_rows.data()), hidden};
    for (const Pooling pooling : poolings) {
      for (const bool normalize : {false, true}) {
        std::vector<float> vectors(size_t{4} * hidden, -7.0F);
        const std::array<uint8_t, 4> raw = {0, 1, 0, 0};
        const CudaPool pool_of_gpu{.counts = &texts.counts,
                                   .sequence_start = texts.start.data(),
                                   .raw = raw.data(),
                                   .rows_of_texts = rows.data(),
                                   .vectors = vectors.data(),
                                   .rows = tokens,
                                   .texts_max = 4,
                                   .hidden = hidden,
                                   .pooling = cuda_pooling(pooling),
                                   .normalize = normalize,
                                   .format = format()};
        run_in_all_orders(vectors, [&] { return cuda_pool(&pool_of_gpu, nullptr); });
        for (uint32_t text = 0; text < 3; ++text) {
          std::vector<float> expected(hidden);
          pool(pooling, matrix.from(texts.start[text]), texts.start[text + 1] - texts.start[text],
               hidden, expected.data());
          if (normalize && raw[text] == 0) scale_to_unit_length(expected.data(), hidden);
          for (uint32_t i = 0; i < hidden; ++i)
            ASSERT_NEAR(vectors[text * hidden + i], expected[i], 1e-5F);
        }
        for (uint32_t i = 0; i < hidden; ++i) ASSERT_EQ(vectors[3 * hidden + i], -7.0F);
      }
    }
  }
}

TEST_P(CudaKernel, ScoreMatchesTheHeadOfTheCpu) {
  const PackedTexts texts({2, 5});
  for (const uint32_t hidden : {8U, 72U, 200U}) {
    const auto rows = random_.narrow_floats(format(), size_t{texts.counts.tokens} * hidden);
    std::vector<float> wide_rows = widened(format(), rows);
    const auto dense = random_.narrow_floats(format(), size_t{hidden} * hidden,
                                             1.0F / std::sqrt(static_cast<float>(hidden)));
    const auto wide_dense = widened(format(), dense);
    const auto dense_bias = random_.floats(hidden, 0.1F);
    const auto output = random_.floats(hidden, 0.2F);
    const float output_bias = 0.3F;
    for (const ScoreFunction function : {ScoreFunction::identity, ScoreFunction::sigmoid}) {
      const ScoreHead head(
          {.dense = {.weight = {wide_dense.data(), hidden, hidden},
                     .bias = {dense_bias.data(), 1, hidden}},
           .output = {.weight = {output.data(), 1, hidden}, .bias = {&output_bias, 1, 1}}},
          function);
      std::vector<float> scores(3, -7.0F);
      const bool sigmoid = function == ScoreFunction::sigmoid;
      const std::array<uint8_t, 3> raw = {0, 1, 0};
      const CudaScore score{.counts = &texts.counts,
                            .sequence_start = texts.start.data(),
                            .raw = raw.data(),
                            .rows_of_texts = rows.data(),
                            .dense = dense.data(),
                            .dense_bias = dense_bias.data(),
                            .output = output.data(),
                            .scores = scores.data(),
                            .rows = texts.counts.tokens,
                            .texts_max = 3,
                            .hidden = hidden,
                            .output_bias = output_bias,
                            .function = sigmoid ? cuda_score_sigmoid : cuda_score_identity,
                            .format = format()};
      run_in_all_orders(scores, [&] { return cuda_score(&score, nullptr); });
      for (uint32_t text = 0; text < 2; ++text) {
        const float logit =
            head.logit(wide_rows.data() + size_t{texts.start[text]} * hidden, YieldGate{});
        const float expected = raw[text] != 0 ? logit : head.score_of(logit);
        ASSERT_NEAR(scores[text], expected, 1e-4F);
      }
      ASSERT_EQ(scores[2], -7.0F);
    }
  }
}

}  // namespace
}  // namespace hilo
