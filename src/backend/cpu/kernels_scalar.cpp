// The definition of correct: plain loops, for every machine. Where speed and clarity part ways,
// this file takes clarity; the compiler still makes the inner loops wide.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "backend/cpu/kernels.h"
#include "base/ensure.h"

namespace hilo {
namespace {

constexpr size_t rows_max = 4;
constexpr size_t columns_per_panel = 16;

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

// One row and one panel: few enough sums to stay in registers.
void multiply_row(const Product& product, size_t row, size_t panel) {
  const float* left = product.left + row * product.left_stride;
  const float* right = product.right + panel * product.panel_stride;
  float sums[columns_per_panel] = {};
  for (size_t k = 0; k < product.depth; ++k) {
    for (size_t i = 0; i < columns_per_panel; ++i) sums[i] += left[k] * right[i];
    right += product.right_stride;
  }
  float* out = product.out + row * product.out_stride;
  for (size_t i = 0; i < columns_per_panel; ++i) {
    const size_t column = panel * columns_per_panel + i;
    out[column] = finish(product, sums[i], row, column);
  }
}

void multiply(const Product& product) {
  ENSURE(product.rows <= rows_max);
  for (size_t panel = 0; panel < product.panels; ++panel) {
    for (size_t row = 0; row < product.rows; ++row) multiply_row(product, row, panel);
  }
}

void transpose_into_panel(const float* rows, size_t row_stride, size_t count, size_t depth,
                          float* panel) {
  for (size_t k = 0; k < depth; ++k) {
    for (size_t column = 0; column < columns_per_panel; ++column) {
      panel[k * columns_per_panel + column] = column < count ? rows[column * row_stride + k] : 0.0F;
    }
  }
}

float exponentiate(float* scores, size_t count, float scale) {
  const float largest = *std::max_element(scores, scores + count);
  float sum = 0.0F;
  for (size_t i = 0; i < count; ++i) {
    scores[i] = std::exp(scale * (scores[i] - largest));
    sum += scores[i];
  }
  return 1.0F / sum;
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

}  // namespace

const CpuKernels scalar_kernels = {
    .tile_rows_max = rows_max,
    .panel_columns = columns_per_panel,
    .multiply = multiply,
    .transpose_into_panel = transpose_into_panel,
    .exponentiate = exponentiate,
    .normalize_layer = normalize_layer,
};

}  // namespace hilo
