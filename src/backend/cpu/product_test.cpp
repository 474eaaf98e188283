// Products of every precision at every level this machine has, against double precision.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backend/cpu/activations.h"
#include "backend/cpu/aligned_array.h"
#include "backend/cpu/choose_kernels.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/levels_test_support.h"

namespace hilo {
namespace {

double exact_gelu(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

// A product with its operands. The numbers are such that the precision holds them exactly. Behind
// the columns of `out` lie guards.
class Operands {
 public:
  static constexpr float guard = 12345.0F;

  Operands(const KernelCase& which, size_t rows, size_t depth, size_t panels, uint32_t seed = 7)
      : kernels_(kernels_for(which.level)),
        precision_(which.precision),
        rows_(rows),
        depth_(depth),
        columns_(panels * kernels_.panel_columns),
        out_stride_(columns_ + 16),
        random_(seed),
        left_(precision_, rows, depth),
        groups_(padded_depth(precision_, depth) / numbers_in_group(precision_)),
        right_(groups_ * columns_),
        out_(rows * out_stride_),
        residual_(rows * out_stride_) {
    std::fill_n(out_.data(), out_.size(), guard);
    for (AlignedFloats* const floats : {&bias_, &column_scale_, &column_offset_})
      *floats = random_floats(columns_);
    for (AlignedFloats* const floats : {&row_scale_, &row_offset_}) *floats = random_floats(rows);
    residual_ = random_floats(residual_.size());
    make_left();
    make_right();
  }

  Product product(Epilogue epilogue) {
    const Operand left = left_.operand();
    return {.rows = rows_,
            .depth = groups_,
            .panels = columns_ / kernels_.panel_columns,
            .left = left.matrix.groups(),
            .left_stride = left.matrix.groups_stride(),
            .right = right_.data(),
            .right_stride = kernels_.panel_columns,
            .panel_stride = groups_ * kernels_.panel_columns,
            .out = out_.data(),
            .out_stride = out_stride_,
            .epilogue = epilogue,
            .bias = bias_.data(),
            .residual = residual_.data(),
            .row_scale = row_scale_.data(),
            .row_offset = row_offset_.data(),
            .column_scale = column_scale_.data(),
            .column_offset = column_offset_.data()};
  }
  void multiply(const Product& product) const {
    kernel_for(kernels_, precision_).multiply(product);
  }

  // The result for one element, and how large the numbers are that were summed for it.
  struct Exact {
    double value;
    double magnitude;
  };
  Exact exact(Epilogue epilogue, size_t row, size_t column) const {
    double sum = 0.0;
    double magnitude = 1.0;
    for (size_t k = 0; k < depth_; ++k) {
      const double term = left_numbers_[row * depth_ + k] * right_numbers_[k * columns_ + column];
      sum += term;
      magnitude += std::abs(term);
    }
    if (precision_ == Precision::int8) {
      const double scale = double{row_scale_.data()[row]} * double{column_scale_.data()[column]};
      const double shift = double{row_offset_.data()[row]} * double{column_offset_.data()[column]};
      sum = sum * scale - shift;
      magnitude = magnitude * std::abs(scale) + std::abs(shift);
    }
    const double bias = bias_.data()[column];
    const double residual = residual_.data()[row * out_stride_ + column];
    magnitude += std::abs(bias) + std::abs(residual);
    switch (epilogue) {
      case Epilogue::none:
        return {sum, magnitude};
      case Epilogue::scale_rows:
        return {sum * double{row_scale_.data()[row]}, magnitude};
      case Epilogue::bias:
        return {sum + bias, magnitude};
      case Epilogue::bias_gelu:
        return {exact_gelu(sum + bias), magnitude};
      case Epilogue::bias_residual:
        return {sum + bias + residual, magnitude};
    }
    return {};
  }

  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  size_t out_stride() const { return out_stride_; }
  const float* out(size_t row) const { return out_.data() + row * out_stride_; }
  AlignedFloats& residual() { return residual_; }
  AlignedFloats& bias() { return bias_; }

 private:
  AlignedFloats random_floats(size_t count) {
    AlignedFloats floats(count);
    std::normal_distribution<float> distribution(0.0F, 1.0F);
    for (size_t i = 0; i < count; ++i) floats.data()[i] = distribution(random_);
    return floats;
  }

  // A number that the precision holds, and its bytes.
  template <class Integer>
  double random_number(uint8_t* bytes) {
    if (precision_ == Precision::int8) {
      const auto integer = static_cast<Integer>(random_());
      std::memcpy(bytes, &integer, 1);
      return static_cast<double>(integer);
    }
    auto bits = std::bit_cast<uint32_t>(std::normal_distribution<float>(0.0F, 1.0F)(random_));
    if (precision_ == Precision::bf16) bits &= 0xffff0000U;
    const uint32_t upper = bits >> 16;
    if (precision_ == Precision::bf16)
      std::memcpy(bytes, &upper, 2);
    else
      std::memcpy(bytes, &bits, 4);
    return double{std::bit_cast<float>(bits)};
  }

  void make_left() {
    left_numbers_.resize(rows_ * depth_);
    for (size_t row = 0; row < rows_; ++row)
      for (size_t k = 0; k < depth_; ++k)
        left_numbers_[row * depth_ + k] =
            random_number<uint8_t>(left_.matrix().from(row).data + k * bytes_of(precision_));
  }

  void make_right() {
    right_numbers_.resize(depth_ * columns_);
    const size_t in_group = numbers_in_group(precision_);
    const size_t width = kernels_.panel_columns;
    for (size_t k = 0; k < depth_; ++k) {
      for (size_t column = 0; column < columns_; ++column) {
        Group& group =
            right_.data()[column / width * width * groups_ + k / in_group * width + column % width];
        right_numbers_[k * columns_ + column] =
            random_number<int8_t>(group.bytes + k % in_group * bytes_of(precision_));
      }
    }
  }

  const CpuKernels& kernels_;
  Precision precision_;
  size_t rows_, depth_, columns_, out_stride_;
  std::mt19937 random_;
  Activations left_;
  size_t groups_;
  AlignedArray<Group> right_;
  AlignedFloats out_, residual_, bias_, row_scale_, row_offset_, column_scale_, column_offset_;
  std::vector<double> left_numbers_, right_numbers_;
};

class Products : public testing::TestWithParam<KernelCase> {
 protected:
  void SetUp() override {
    if (kernels().begin != nullptr) kernels().begin();
  }
  void TearDown() override {
    if (kernels().end != nullptr) kernels().end();
  }
  static const CpuKernels& kernels() { return kernels_for(GetParam().level); }
  size_t rows_max() const { return kernel_for(kernels(), GetParam().precision).rows_max; }
  bool integers() const { return GetParam().precision == Precision::int8; }
  // Integer sums are numbers already: nothing is scaled twice.
  std::vector<Epilogue> epilogues() const {
    if (integers()) return {Epilogue::bias, Epilogue::bias_gelu, Epilogue::bias_residual};
    return {Epilogue::none, Epilogue::scale_rows, Epilogue::bias, Epilogue::bias_gelu,
            Epilogue::bias_residual};
  }
};

INSTANTIATE_TEST_SUITE_P(Levels, Products, testing::ValuesIn(kernel_cases_here()), name_of_case);

TEST_P(Products, AreExactToRoundingAndStayInsideTheirTile) {
  for (const size_t rows : {size_t{1}, size_t{2}, rows_max() / 2, rows_max() / 2 + 1, rows_max()}) {
    for (const size_t depth : {1U, 2U, 7U, 33U, 100U, 384U}) {
      for (const Epilogue epilogue : epilogues()) {
        Operands operands(GetParam(), rows, depth, 2);
        operands.multiply(operands.product(epilogue));
        for (size_t row = 0; row < rows; ++row) {
          const float* out = operands.out(row);
          for (size_t column = 0; column < operands.columns(); ++column) {
            const Operands::Exact exact = operands.exact(epilogue, row, column);
            ASSERT_NEAR(double{out[column]}, exact.value, 2e-6 * exact.magnitude)
                << fmt::format("rows {}, depth {}, epilogue {}, at ({}, {})", rows, depth,
                               static_cast<int>(epilogue), row, column);
          }
          for (size_t i = operands.columns(); i < operands.out_stride(); ++i)
            ASSERT_EQ(out[i], Operands::guard) << "written past row " << row;
        }
      }
    }
  }
}

// Goal: a row's result is the same bits whichever rows share its tile. Method: the full tile, then
// each row on its own, and with a panel to fetch, which must change nothing.
TEST_P(Products, OfARowDoNotDependOnItsTile) {
  for (const Epilogue epilogue : epilogues()) {
    Operands together(GetParam(), rows_max(), 100, 1);
    const Product whole = together.product(epilogue);
    together.multiply(whole);
    std::vector<float> alone(together.out_stride());
    for (size_t row = 0; row < rows_max(); ++row) {
      Product product = whole;
      product.rows = 1;
      product.left += row * product.left_stride;
      product.residual += row * product.out_stride;
      product.row_scale += row;
      product.row_offset += row;
      product.out = alone.data();
      product.upcoming = {product.right->bytes, 16 * row % 80};
      together.multiply(product);
      const float* expected = together.out(row);
      ASSERT_TRUE(std::equal(expected, expected + together.columns(), alone.begin()))
          << "row " << row << ", epilogue " << static_cast<int>(epilogue);
    }
  }
}

// The residual is what stands in the destination: adding in place is how the encoder calls it.
TEST_P(Products, ResidualMayBeTheDestination) {
  Operands operands(GetParam(), rows_max(), 33, 1);
  Product product = operands.product(Epilogue::bias_residual);
  operands.multiply(product);
  product.out = operands.residual().data();
  operands.multiply(product);
  for (size_t row = 0; row < operands.rows(); ++row) {
    for (size_t i = 0; i < operands.columns(); ++i) {
      ASSERT_EQ(operands.residual().data()[row * operands.out_stride() + i], operands.out(row)[i])
          << "row " << row;
    }
  }
}

// What goes out in bf16 is what goes out in floats, rounded.
TEST_P(Products, GoOutInBf16) {
  for (const Epilogue epilogue : epilogues()) {
    Operands operands(GetParam(), rows_max(), 64, 2);
    Product product = operands.product(epilogue);
    operands.multiply(product);
    std::vector<Bf16> narrow(operands.rows() * product.out_stride);
    product.out = narrow.data();
    product.out_precision = Precision::bf16;
    operands.multiply(product);
    for (size_t row = 0; row < operands.rows(); ++row) {
      for (size_t i = 0; i < operands.columns(); ++i) {
        const auto number =
            std::bit_cast<float>(uint32_t{narrow[row * product.out_stride + i]} << 16);
        ASSERT_NEAR(number, operands.out(row)[i], std::abs(number) / 256.0F);
      }
    }
  }
}

// GELU alone: no sum, and the argument as bias.
TEST_P(Products, GeluErrorIsBounded) {
  Operands operands(GetParam(), 1, 1, 1);
  Product product = operands.product(Epilogue::bias_gelu);
  AlignedArray<Group> zeros(padded_depth(GetParam().precision, 1) * operands.columns());
  product.right = zeros.data();
  AlignedFloats no_offset(operands.columns());
  product.column_offset = no_offset.data();
  double worst = 0.0;
  const auto check = [&](float x) {
    std::fill_n(operands.bias().data(), operands.columns(), x);
    operands.multiply(product);
    for (size_t column = 0; column < operands.columns(); ++column) {
      const double error = std::abs(double{operands.out(0)[column]} - exact_gelu(double{x}));
      worst = std::max(worst, error);
      // Far out only x itself is left, to its own rounding.
      ASSERT_LE(error, std::max(1.2e-6, 1e-7 * std::abs(double{x}))) << "gelu(" << x << ")";
    }
  };
  for (int step = -40'000; step <= 40'000; ++step) check(static_cast<float>(step) * 3e-4F);
  for (const float x : {-1e30F, -1e4F, -100.0F, -5.5F, 5.5F, 100.0F, 1e4F, 1e30F}) check(x);
  RecordProperty("gelu_worst_error", fmt::format("{:.2e}", worst));
}

}  // namespace
}  // namespace hilo
