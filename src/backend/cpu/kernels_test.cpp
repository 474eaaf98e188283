// Every kernel of every level this machine has, against formulas in double precision and against
// the scalar kernels.
#include "backend/cpu/kernels.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/cpu_level.h"
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
};

INSTANTIATE_TEST_SUITE_P(Levels, Kernels, testing::ValuesIn(levels_here()), level_of);

double exact_gelu(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

// A product with its operands, for any level. Between and behind the rows of `out` lie guards.
struct Operands {
  static constexpr float guard = 12345.0F;

  Operands(const CpuKernels& kernels, size_t rows, size_t depth, size_t panels)
      : left_stride(depth + 3),
        columns(panels * kernels.panel_columns),
        out_stride(columns + 5),
        left(rows * left_stride),
        right(depth * columns),
        out(rows * out_stride),
        residual(rows * out_stride),
        bias(columns),
        row_scale(rows) {
    product.rows = rows;
    product.depth = depth;
    product.panels = panels;
    product.left = left.data();
    product.left_stride = left_stride;
    product.right = right.data();
    product.right_stride = kernels.panel_columns;
    product.panel_stride = depth * kernels.panel_columns;
    product.out = out.data();
    product.out_stride = out_stride;
    product.bias = bias.data();
    product.residual = residual.data();
    product.row_scale = row_scale.data();
    std::fill_n(out.data(), out.size(), guard);
  }

  // The result for one element, and how large the numbers are that were summed for it.
  struct Exact {
    double value;
    double magnitude;
  };
  Exact exact(size_t row, size_t column) const {
    const size_t panel = column / product.right_stride;
    const float* from = right.data() + panel * product.panel_stride + column % product.right_stride;
    double sum = 0.0;
    double magnitude = 0.0;
    for (size_t k = 0; k < product.depth; ++k) {
      const double term =
          double{left.data()[row * left_stride + k]} * double{from[k * product.right_stride]};
      sum += term;
      magnitude += std::abs(term);
    }
    const double bias_here = bias.data()[column];
    const double residual_here = residual.data()[row * out_stride + column];
    magnitude += std::abs(bias_here) + std::abs(residual_here) + 1.0;
    switch (product.epilogue) {
      case Epilogue::none:
        return {sum, magnitude};
      case Epilogue::scale_rows:
        return {sum * double{row_scale.data()[row]}, magnitude};
      case Epilogue::bias:
        return {sum + bias_here, magnitude};
      case Epilogue::bias_gelu:
        return {exact_gelu(sum + bias_here), magnitude};
      case Epilogue::bias_residual:
        return {sum + bias_here + residual_here, magnitude};
    }
    return {};
  }

  size_t left_stride, columns, out_stride;
  AlignedFloats left, right, out, residual, bias, row_scale;
  Product product;
};

constexpr Epilogue all_epilogues[] = {Epilogue::none, Epilogue::scale_rows, Epilogue::bias,
                                      Epilogue::bias_gelu, Epilogue::bias_residual};
constexpr size_t awkward_depths[] = {1, 2, 7, 32, 33, 100, 384};

TEST_P(Kernels, ProductsAreExactToRoundingAndStayInsideTheirTile) {
  for (size_t rows = 1; rows <= kernels_.tile_rows_max; ++rows) {
    for (const size_t depth : awkward_depths) {
      for (const Epilogue epilogue : all_epilogues) {
        Operands operands(kernels_, rows, depth, 2);
        fill(operands.left.data(), operands.left.size());
        fill(operands.right.data(), operands.right.size());
        fill(operands.residual.data(), operands.residual.size());
        fill(operands.bias.data(), operands.bias.size());
        fill(operands.row_scale.data(), operands.row_scale.size());
        operands.product.epilogue = epilogue;
        kernels_.multiply(operands.product);
        for (size_t row = 0; row < rows; ++row) {
          const float* out = operands.out.data() + row * operands.out_stride;
          for (size_t column = 0; column < operands.columns; ++column) {
            const Operands::Exact exact = operands.exact(row, column);
            ASSERT_NEAR(double{out[column]}, exact.value, 2e-6 * exact.magnitude)
                << fmt::format("rows {}, depth {}, epilogue {}, at ({}, {})", rows, depth,
                               static_cast<int>(epilogue), row, column);
          }
          for (size_t column = operands.columns; column < operands.out_stride; ++column) {
            ASSERT_EQ(out[column], Operands::guard) << "written past row " << row;
          }
        }
      }
    }
  }
}

// Goal: a row's result is the same bits whichever rows share its tile. Method: the full tile, then
// each row on its own, and with a panel to fetch, which must change nothing.
TEST_P(Kernels, ProductsOfARowDoNotDependOnItsTile) {
  for (const Epilogue epilogue : all_epilogues) {
    const size_t rows = kernels_.tile_rows_max;
    Operands together(kernels_, rows, 100, 1);
    fill(together.left.data(), together.left.size());
    fill(together.right.data(), together.right.size());
    fill(together.residual.data(), together.residual.size());
    fill(together.bias.data(), together.bias.size());
    fill(together.row_scale.data(), together.row_scale.size());
    together.product.epilogue = epilogue;
    kernels_.multiply(together.product);
    std::vector<float> alone(together.out_stride);
    for (size_t row = 0; row < rows; ++row) {
      Product product = together.product;
      product.rows = 1;
      product.left += row * product.left_stride;
      product.residual += row * product.out_stride;
      product.row_scale += row;
      product.out = alone.data();
      product.upcoming = together.right.data();
      product.upcoming_interval = 1 + row;
      kernels_.multiply(product);
      const float* expected = together.out.data() + row * together.out_stride;
      ASSERT_TRUE(std::equal(expected, expected + together.columns, alone.begin()))
          << "row " << row << ", epilogue " << static_cast<int>(epilogue);
    }
  }
}

// The residual is what stands in the destination: adding in place is how the encoder calls it.
TEST_P(Kernels, ResidualMayBeTheDestination) {
  Operands apart(kernels_, kernels_.tile_rows_max, 33, 1);
  fill(apart.left.data(), apart.left.size());
  fill(apart.right.data(), apart.right.size());
  fill(apart.residual.data(), apart.residual.size());
  apart.product.epilogue = Epilogue::bias_residual;
  kernels_.multiply(apart.product);
  Product in_place = apart.product;
  in_place.out = apart.residual.data();
  kernels_.multiply(in_place);
  for (size_t row = 0; row < apart.product.rows; ++row) {
    const size_t first = row * apart.out_stride;
    for (size_t i = first; i < first + apart.columns; ++i) {
      ASSERT_EQ(apart.residual.data()[i], apart.out.data()[i]) << "row " << row;
    }
  }
}

TEST_P(Kernels, AgreeWithTheScalarOnes) {
  for (const size_t depth : awkward_depths) {
    for (const Epilogue epilogue : all_epilogues) {
      const size_t panels = column_padding / kernels_.panel_columns;
      Operands fast(kernels_, 1, depth, panels);
      Operands scalar(scalar_kernels, 1, depth, column_padding / scalar_kernels.panel_columns);
      fill(fast.left.data(), fast.left.size());
      std::copy_n(fast.left.data(), fast.left.size(), scalar.left.data());
      fill(fast.bias.data(), fast.bias.size());
      std::copy_n(fast.bias.data(), fast.bias.size(), scalar.bias.data());
      fast.row_scale.data()[0] = scalar.row_scale.data()[0] = 0.3F;
      for (size_t k = 0; k < depth; ++k) {
        for (size_t column = 0; column < column_padding; ++column) {
          float weight = 0.0F;
          fill(&weight, 1, 1.0F / std::sqrt(static_cast<float>(depth)));
          for (Operands* to : {&fast, &scalar}) {
            const size_t width = to->product.right_stride;
            to->right
                .data()[column / width * to->product.panel_stride + k * width + column % width] =
                weight;
          }
        }
      }
      fast.product.epilogue = scalar.product.epilogue = epilogue;
      kernels_.multiply(fast.product);
      scalar_kernels.multiply(scalar.product);
      for (size_t column = 0; column < column_padding; ++column) {
        ASSERT_NEAR(fast.out.data()[column], scalar.out.data()[column], 1e-5F)
            << fmt::format("depth {}, epilogue {}", depth, static_cast<int>(epilogue));
      }
    }
  }
}

// GELU alone: no sum, and the argument as bias.
TEST_P(Kernels, GeluErrorIsBounded) {
  Operands operands(kernels_, 1, 1, 1);
  operands.product.epilogue = Epilogue::bias_gelu;
  double worst = 0.0;
  const auto check = [&](float x) {
    std::fill_n(operands.bias.data(), operands.columns, x);
    kernels_.multiply(operands.product);
    for (size_t column = 0; column < operands.columns; ++column) {
      const double error = std::abs(double{operands.out.data()[column]} - exact_gelu(double{x}));
      worst = std::max(worst, error);
      // Far out only x itself is left, to its own rounding.
      ASSERT_LE(error, std::max(1.2e-6, 1e-7 * std::abs(double{x}))) << "gelu(" << x << ")";
    }
  };
  for (int step = -120'000; step <= 120'000; ++step) check(static_cast<float>(step) * 1e-4F);
  for (const float x : {-1e30F, -1e4F, -100.0F, -5.5F, 5.5F, 100.0F, 1e4F, 1e30F}) check(x);
  RecordProperty("gelu_worst_error", fmt::format("{:.2e}", worst));
}

TEST_P(Kernels, TransposesAnyNumberOfRowsIntoAPanel) {
  for (const size_t depth : {size_t{1}, size_t{12}, size_t{32}, size_t{64}, size_t{80}}) {
    const size_t padded = round_up(depth, column_padding);
    const size_t stride = padded + 16;
    AlignedFloats rows(kernels_.panel_columns * stride);
    fill(rows.data(), rows.size());
    for (size_t count = 1; count <= kernels_.panel_columns; ++count) {
      AlignedFloats panel(padded * kernels_.panel_columns);
      std::fill_n(panel.data(), panel.size(), 99.0F);
      kernels_.transpose_into_panel(rows.data(), stride, count, depth, panel.data());
      for (size_t k = 0; k < depth; ++k) {
        for (size_t column = 0; column < kernels_.panel_columns; ++column) {
          const float expected = column < count ? rows.data()[column * stride + k] : 0.0F;
          ASSERT_EQ(panel.data()[k * kernels_.panel_columns + column], expected)
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

}  // namespace
}  // namespace hilo
