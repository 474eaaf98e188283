// What kernels do to rows, at every level this machine has, against formulas in double precision.
#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backend/cpu/aligned_array.h"
#include "backend/cpu/choose_kernels.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/levels_test_support.h"

namespace hilo {
namespace {

class Kernels : public testing::TestWithParam<CpuLevel> {
 protected:
  const CpuKernels& kernels_ = kernels_for(GetParam());
  std::mt19937 random_{7};

  void fill(float* to, size_t count, float deviation = 1.0F) {
    std::normal_distribution<float> distribution(0.0F, deviation);
    for (size_t i = 0; i < count; ++i) to[i] = distribution(random_);
  }
  static uint32_t bits(const Group& group) { return std::bit_cast<uint32_t>(group); }
};

INSTANTIATE_TEST_SUITE_P(Levels, Kernels, testing::ValuesIn(levels_here()), level_of);

TEST_P(Kernels, TransposesAnyNumberOfRowsIntoAPanel) {
  for (const size_t depth : {size_t{1}, size_t{12}, size_t{32}, size_t{64}, size_t{80}}) {
    const size_t padded = round_up(depth, column_padding);
    const size_t stride = padded + 16;
    std::vector<Group> rows(kernels_.panel_columns * stride);
    for (Group& group : rows) group = std::bit_cast<Group>(static_cast<uint32_t>(random_()));
    for (size_t count = 1; count <= kernels_.panel_columns; ++count) {
      std::vector<Group> panel(padded * kernels_.panel_columns, Group{{9, 9, 9, 9}});
      kernels_.transpose_into_panel(rows.data(), stride, count, depth, panel.data());
      for (size_t k = 0; k < depth; ++k) {
        for (size_t column = 0; column < kernels_.panel_columns; ++column) {
          const Group expected = column < count ? rows[column * stride + k] : Group{};
          ASSERT_EQ(bits(panel[k * kernels_.panel_columns + column]), bits(expected))
              << fmt::format("depth {}, count {}, at ({}, {})", depth, count, k, column);
        }
      }
    }
  }
}

// With 0 as the largest score and scale 1, the results are the exponentials themselves.
TEST_P(Kernels, ExponentialErrorIsBounded) {
  constexpr size_t count = 16;
  AlignedFloats scores(column_padding);
  double worst = 0.0;
  for (double x = 0.0; x > -87.0; x -= 0.0007) {
    scores.data()[0] = 0.0F;
    for (size_t i = 1; i < count; ++i) scores.data()[i] = static_cast<float>(x);
    const double exact = std::exp(double{static_cast<float>(x)});
    kernels_.exponentiate(scores.data(), count, 1.0F);
    for (size_t i = 1; i < count; ++i) {
      worst = std::max(worst, std::abs(double{scores.data()[i]} - exact) / exact);
    }
  }
  RecordProperty("exponential_worst_relative_error", fmt::format("{:.2e}", worst));
  EXPECT_LE(worst, 2e-7);
}

TEST_P(Kernels, ExponentiatesRowsOfAnyLength) {
  std::vector<size_t> counts = {255, 512, 1000};
  for (size_t count = 1; count <= 70; ++count) counts.push_back(count);
  for (const size_t count : counts) {
    AlignedFloats scores(round_up(count, column_padding));
    fill(scores.data(), scores.size(), 8.0F);
    std::vector<double> exact(scores.data(), scores.data() + count);
    const double largest = *std::max_element(exact.begin(), exact.end());
    constexpr float scale = 0.176776695F;
    double sum = 0.0;
    for (double& score : exact) sum += score = std::exp(double{scale} * (score - largest));
    const float inverse = kernels_.exponentiate(scores.data(), count, scale);
    ASSERT_NEAR(double{inverse} * sum, 1.0, 3e-6) << "count " << count;
    for (size_t i = 0; i < count; ++i) {
      ASSERT_NEAR(double{scores.data()[i]} / exact[i], 1.0, 2e-6) << "count " << count;
    }
  }
}

// Scores of any size: no overflow, no division by zero.
TEST_P(Kernels, ExponentiatesExtremeScores) {
  AlignedFloats scores(column_padding);
  scores.data()[0] = 3e38F;
  scores.data()[1] = -3e38F;
  scores.data()[2] = 3e38F;
  const float inverse = kernels_.exponentiate(scores.data(), 3, 0.125F);
  EXPECT_FLOAT_EQ(inverse, 0.5F);
  EXPECT_EQ(scores.data()[0], 1.0F);
  EXPECT_NEAR(scores.data()[1], 0.0F, 1e-37F);
}

TEST_P(Kernels, NormalizesRowsOfAnyLengthAndKeepsThePadding) {
  for (const size_t columns : {1U, 2U, 7U, 8U, 15U, 16U, 17U, 31U, 32U, 33U, 100U, 384U, 1000U}) {
    const size_t padded = round_up(columns, column_padding);
    AlignedFloats row(padded), gamma(padded), beta(padded);
    fill(row.data(), columns, 3.0F);
    for (size_t i = 0; i < columns; ++i) row.data()[i] += 1.5F;
    fill(gamma.data(), columns);
    fill(beta.data(), columns);
    const std::vector<double> before(row.data(), row.data() + columns);
    double mean = 0.0;
    for (const double x : before) mean += x / static_cast<double>(columns);
    double variance = 0.0;
    for (const double x : before)
      variance += (x - mean) * (x - mean) / static_cast<double>(columns);
    constexpr float epsilon = 1e-5F;
    kernels_.normalize_layer(row.data(), gamma.data(), beta.data(), columns, epsilon);
    for (size_t i = 0; i < columns; ++i) {
      const double normal = (before[i] - mean) / std::sqrt(variance + double{epsilon});
      const double exact = normal * double{gamma.data()[i]} + double{beta.data()[i]};
      ASSERT_NEAR(double{row.data()[i]}, exact, 5e-6) << columns << " columns, at " << i;
    }
    for (size_t i = columns; i < padded; ++i) ASSERT_EQ(row.data()[i], 0.0F) << columns;
  }
}

// Rows of bf16 become panels whose groups hold two rows, and what is missing is zero.
TEST_P(Kernels, PairsAnyNumberOfRowsIntoPanels) {
  constexpr size_t columns = 64;
  constexpr size_t stride = columns + 5;
  std::vector<Bf16> rows(70 * stride);
  for (Bf16& number : rows) number = static_cast<Bf16>(random_());
  for (const size_t count :
       {size_t{1}, size_t{2}, size_t{31}, size_t{32}, size_t{33}, size_t{70}}) {
    const size_t pairs = round_up(count, 32) / 2;
    std::vector<Group> panels(pairs * columns, Group{{9, 9, 9, 9}});
    kernels_.pair_into_panels(rows.data(), stride, count, columns, panels.data());
    const auto number = [&](size_t row, size_t column) {
      return row < count ? rows[row * stride + column] : Bf16{0};
    };
    for (size_t pair = 0; pair < pairs; ++pair) {
      for (size_t column = 0; column < columns; ++column) {
        const size_t width = kernels_.panel_columns;
        const Group& group = panels[column / width * width * pairs + pair * width + column % width];
        const uint32_t expected =
            uint32_t{number(2 * pair, column)} | uint32_t{number(2 * pair + 1, column)} << 16;
        ASSERT_EQ(bits(group), expected) << fmt::format("{} rows, ({}, {})", count, pair, column);
      }
    }
  }
}

// The nearest bf16 is within 1/256 of the number.
TEST_P(Kernels, NarrowsToTheNearestBf16) {
  constexpr size_t columns = 128;
  AlignedFloats row(columns);
  fill(row.data(), columns, 3.0F);
  row.data()[5] = std::bit_cast<float>(0x3f808000U);  // Half-way: to the even one, down.
  row.data()[6] = std::bit_cast<float>(0x3f818000U);  // Half-way: to the even one, up.
  std::vector<Bf16> narrow(columns);
  kernels_.narrow_to_bf16(row.data(), columns, narrow.data());
  for (size_t i = 0; i < columns; ++i) {
    const auto number = std::bit_cast<float>(uint32_t{narrow[i]} << 16);
    ASSERT_NEAR(number, row.data()[i], std::abs(row.data()[i]) / 256.0F) << "at " << i;
  }
  EXPECT_EQ(narrow[5], 0x3f80);
  EXPECT_EQ(narrow[6], 0x3f82);
}

TEST_P(Kernels, NarrowsToIntegersWithinHalfAStep) {
  constexpr size_t columns = 96;
  AlignedFloats row(columns);
  std::vector<uint8_t> integers(columns);
  for (const float shift : {0.0F, 5.0F, -5.0F, 100.0F}) {
    fill(row.data(), columns - 20);  // The rest stays zero: padding.
    for (size_t i = 0; i < columns - 20; ++i) row.data()[i] += shift;
    const RowScale scale = kernels_.narrow_to_int8(row.data(), columns, integers.data());
    for (size_t i = 0; i < columns; ++i) {
      const float number = scale.scale * static_cast<float>(integers[i]) - scale.offset;
      // Half a step for the number, half a one for where zero is.
      ASSERT_NEAR(number, row.data()[i], scale.scale * 1.01F) << fmt::format("{} at {}", shift, i);
      if (i >= columns - 20) {
        ASSERT_EQ(number, 0.0F);
      }
    }
    EXPECT_LE(*std::ranges::max_element(integers) - *std::ranges::min_element(integers), 255);
  }
}

// Rows of zeros, and rows without end, must not become anything undefined.
TEST_P(Kernels, NarrowsRowsWithoutASpan) {
  AlignedFloats row(column_padding);
  std::vector<uint8_t> integers(column_padding, 7);
  const RowScale scale = kernels_.narrow_to_int8(row.data(), column_padding, integers.data());
  EXPECT_EQ(scale.scale, 0.0F);
  EXPECT_EQ(scale.offset, 0.0F);
  EXPECT_EQ(integers, std::vector<uint8_t>(column_padding, 0));
}

TEST_P(Kernels, PowersInBf16AreThoseInFloats) {
  for (const size_t count : {1U, 5U, 16U, 17U, 32U, 33U, 100U, 512U}) {
    AlignedFloats scores(round_up(count, column_padding));
    AlignedFloats same(scores.size());
    fill(scores.data(), count, 8.0F);
    std::copy_n(scores.data(), count, same.data());
    std::vector<Bf16> powers(scores.size(), 0x7777);
    const float inverse = kernels_.exponentiate_to_bf16(scores.data(), count, 0.18F, powers.data());
    EXPECT_EQ(inverse, kernels_.exponentiate(same.data(), count, 0.18F));
    for (size_t i = 0; i < scores.size(); ++i) {
      const float expected = i < count ? same.data()[i] : 0.0F;
      const auto power = std::bit_cast<float>(uint32_t{powers[i]} << 16);
      ASSERT_NEAR(power, expected, expected / 256.0F) << fmt::format("{} of {}", i, count);
    }
  }
}

}  // namespace
}  // namespace hilo
