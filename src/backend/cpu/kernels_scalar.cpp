// The definition of correct: plain loops, for every machine. Where speed and clarity part ways,
// this file takes clarity; the compiler still makes the inner loops wide.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <type_traits>

#include "backend/cpu/bf16.h"
#include "backend/cpu/kernels.h"
#include "base/ensure.h"

namespace hilo {
namespace {

constexpr size_t rows_max = 4;
constexpr size_t columns_per_panel = 16;

// ---- One step of depth: a group of the left operand meets a row of the panel

template <class Numbers>
Numbers numbers_at(const Group* groups) {
  Numbers numbers;
  std::memcpy(&numbers, groups, sizeof(numbers));
  return numbers;
}

struct Fp32Dot {
  using Sum = float;
  static void add(const Group* left, const Group* right, Sum* sums) {
    const auto l = numbers_at<float>(left);
    const auto r = numbers_at<std::array<float, columns_per_panel>>(right);
    for (size_t i = 0; i < columns_per_panel; ++i) sums[i] += l * r[i];
  }
};

struct Bf16Dot {
  using Sum = float;
  static void add(const Group* left, const Group* right, Sum* sums) {
    const auto l = numbers_at<std::array<Bf16, 2>>(left);
    const auto r = numbers_at<std::array<Bf16, 2 * columns_per_panel>>(right);
    for (size_t i = 0; i < columns_per_panel; ++i)
      sums[i] += float_of(l[0]) * float_of(r[2 * i]) + float_of(l[1]) * float_of(r[2 * i + 1]);
  }
};

// Unsigned bytes times signed ones.
struct Int8Dot {
  using Sum = int32_t;
  static void add(const Group* left, const Group* right, Sum* sums) {
    const auto l = numbers_at<std::array<uint8_t, 4>>(left);
    const auto r = numbers_at<std::array<int8_t, 4 * columns_per_panel>>(right);
    for (size_t i = 0; i < columns_per_panel; ++i)
      for (size_t byte = 0; byte < 4; ++byte) sums[i] += int32_t{l[byte]} * r[4 * i + byte];
  }
};

// ---- Products

float gelu(float x) { return 0.5F * x * (1.0F + std::erf(x / std::numbers::sqrt2_v<float>)); }

float finish(const Product& product, float sum, size_t row, size_t column) {
  switch (product.epilogue) {
    case Epilogue::none:
      return sum;
    case Epilogue::scale_rows:
      return sum * product.row_scale[row];
    case Epilogue::bias:
      return sum + product.bias[column];
    case Epilogue::bias_gelu:
      return gelu(sum + product.bias[column]);
    case Epilogue::bias_residual:
      return sum + product.bias[column] + product.residual[row * product.out_stride + column];
  }
  return sum;
}

float number_of(const Product&, float sum, size_t, size_t) { return sum; }
float number_of(const Product& product, int32_t sum, size_t row, size_t column) {
  return static_cast<float>(sum) * product.row_scale[row] * product.column_scale[column] -
         product.row_offset[row] * product.column_offset[column];
}

// One row and one panel: few enough sums to stay in registers.
template <class Dot>
void multiply_row(const Product& product, size_t row, size_t panel) {
  const Group* left = product.left + row * product.left_stride;
  const Group* right = product.right + panel * product.panel_stride;
  typename Dot::Sum sums[columns_per_panel] = {};
  for (size_t k = 0; k < product.depth; ++k) {
    Dot::add(left + k, right, sums);
    right += product.right_stride;
  }
  for (size_t i = 0; i < columns_per_panel; ++i) {
    const size_t column = panel * columns_per_panel + i;
    const size_t place = row * product.out_stride + column;
    const float number = finish(product, number_of(product, sums[i], row, column), row, column);
    if (product.out_precision == Precision::bf16)
      static_cast<Bf16*>(product.out)[place] = bf16_of(number);
    else
      static_cast<float*>(product.out)[place] = number;
  }
}

template <class Dot>
void multiply(const Product& product) {
  ENSURE(product.rows <= rows_max);
  for (size_t panel = 0; panel < product.panels; ++panel) {
    for (size_t row = 0; row < product.rows; ++row) multiply_row<Dot>(product, row, panel);
  }
}

template <class Dot>
constexpr ProductKernel kernel_of = {.rows_max = rows_max, .multiply = multiply<Dot>};

// ---- Panels made of activations

void transpose_into_panel(const Group* rows, size_t row_stride, size_t count, size_t depth,
                          Group* panel) {
  for (size_t k = 0; k < depth; ++k) {
    for (size_t column = 0; column < columns_per_panel; ++column) {
      panel[k * columns_per_panel + column] =
          column < count ? rows[column * row_stride + k] : Group{};
    }
  }
}

void pair_into_panels(const Bf16* rows, size_t row_stride, size_t count, size_t columns,
                      Group* panels) {
  const size_t pairs = (count + 31) / 32 * 16;
  const auto number = [&](size_t row, size_t column) {
    return row < count ? rows[row * row_stride + column] : Bf16{0};
  };
  for (size_t column = 0; column < columns; ++column) {
    Group* const panel = panels + column / columns_per_panel * columns_per_panel * pairs +
                         column % columns_per_panel;
    for (size_t pair = 0; pair < pairs; ++pair) {
      const std::array both{number(2 * pair, column), number(2 * pair + 1, column)};
      panel[pair * columns_per_panel] = std::bit_cast<Group>(both);
    }
  }
}

// ---- Rows

float exponentiate(float* scores, size_t count, float scale) {
  const float largest = *std::max_element(scores, scores + count);
  float sum = 0.0F;
  for (size_t i = 0; i < count; ++i) {
    scores[i] = std::exp(scale * (scores[i] - largest));
    sum += scores[i];
  }
  return 1.0F / sum;
}

float exponentiate_to_bf16(float* scores, size_t count, float scale, Bf16* powers) {
  const float inverse = exponentiate(scores, count, scale);
  std::transform(scores, scores + count, powers, bf16_of);
  for (size_t i = count; i % column_padding != 0; ++i) powers[i] = 0;
  return inverse;
}

void normalize_layer(float* row, const float* gamma, const float* beta, size_t columns,
                     float epsilon) {
  const auto count = static_cast<float>(columns);
  float sum = 0.0F;
  for (size_t i = 0; i < columns; ++i) sum += row[i];
  const float mean = sum / count;
  float squares = 0.0F;
  for (size_t i = 0; i < columns; ++i) squares += (row[i] - mean) * (row[i] - mean);
  const float scale = 1.0F / std::sqrt(squares / count + epsilon);
  for (size_t i = 0; i < columns; ++i) row[i] = (row[i] - mean) * scale * gamma[i] + beta[i];
}

void narrow_to_bf16(const float* row, size_t columns, Bf16* out) {
  std::transform(row, row + columns, out, bf16_of);
}

RowScale narrow_to_int8(const float* row, size_t columns, uint8_t* out) {
  const auto [least, most] = std::minmax_element(row, row + columns);
  const float smallest = std::min(*least, 0.0F);
  const float span = std::max(*most, 0.0F) - smallest;
  const float steps = span > 0.0F ? 255.0F / span : 0.0F;
  // The smallest number becomes exactly 0: both roundings are of the same number.
  const int zero = -static_cast<int>(std::nearbyint(smallest * steps));
  for (size_t i = 0; i < columns; ++i) {
    const int integer = static_cast<int>(std::nearbyint(row[i] * steps)) + zero;
    out[i] = static_cast<uint8_t>(std::min(integer, 255));
  }
  const float scale = span / 255.0F;
  return {scale, scale * static_cast<float>(zero)};
}

}  // namespace

const CpuKernels scalar_kernels = {
    .panel_columns = columns_per_panel,
    .fp32 = kernel_of<Fp32Dot>,
    .bf16 = kernel_of<Bf16Dot>,
    .int8 = kernel_of<Int8Dot>,
    .begin = nullptr,
    .end = nullptr,
    .transpose_into_panel = transpose_into_panel,
    .pair_into_panels = pair_into_panels,
    .exponentiate = exponentiate,
    .exponentiate_to_bf16 = exponentiate_to_bf16,
    .normalize_layer = normalize_layer,
    .narrow_to_bf16 = narrow_to_bf16,
    .narrow_to_int8 = narrow_to_int8,
};

}  // namespace hilo
