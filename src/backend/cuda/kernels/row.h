// A row of a matrix, held by one warp: each lane has every 32nd pair of its numbers.
#pragma once

#include "backend/cuda/kernels/numbers.h"

namespace hilo::simt {

constexpr uint32_t rows_per_block = 4;
constexpr uint32_t row_threads = rows_per_block * warp_threads;
constexpr uint32_t row_pairs_max = cuda_hidden_max / (2 * warp_threads);

constexpr Grid grid_of_rows(uint32_t rows) {
  return {(rows + rows_per_block - 1) / rows_per_block};
}
SIMT_DEVICE uint32_t row_of_warp() { return block_x() * rows_per_block + warp(); }

struct Row {
  float x[row_pairs_max][2];
};

// Calls function(column, pair) for each pair that this lane has. Unrolled, so that a Row stays in
// registers.
template <class Function>
SIMT_DEVICE void for_each_pair(Row& row, uint32_t columns, Function function) {
  SIMT_UNROLL
  for (uint32_t i = 0; i < row_pairs_max; ++i) {
    const uint32_t column = 2 * (i * warp_threads + lane());
    if (column < columns) function(column, row.x[i]);
  }
}

struct NormWeights {
  const float* gamma;
  const float* beta;
  uint32_t columns;
  float epsilon;
};

// Brings the row to mean 0 and variance 1, then times gamma, plus beta; writes it in 16 bits.
template <class Format>
SIMT_DEVICE void normalize_to(Row& row, const NormWeights& weights, uint16_t* out) {
  const auto columns = static_cast<float>(weights.columns);
  float sum = 0.0F;
  for_each_pair(row, weights.columns, [&](uint32_t, const float(&x)[2]) { sum += x[0] + x[1]; });
  const float mean = warp_sum(sum) / columns;
  float squares = 0.0F;
  for_each_pair(row, weights.columns, [&](uint32_t, float(&x)[2]) {
    x[0] -= mean;
    x[1] -= mean;
    squares += x[0] * x[0] + x[1] * x[1];
  });
  const float scale = 1.0F / sqrtf(warp_sum(squares) / columns + weights.epsilon);
  for_each_pair(row, weights.columns, [&](uint32_t column, const float(&x)[2]) {
    Few<2> few;
    for (uint32_t i = 0; i < 2; ++i)
      few.bits[i] =
          Format::narrow(x[i] * scale * weights.gamma[column + i] + weights.beta[column + i]);
    store(out + column, few);
  });
}

}  // namespace hilo::simt
