// A row of a matrix, held by one warp: each lane has every 32nd pair of its numbers, up to a number
// of pairs that is chosen for the width. All loops over them are unrolled and without branches, so
// that a Row stays in registers and all its reads are under way at once.
#pragma once

#include "backend/cuda/kernels/numbers.h"

namespace hilo::simt {

constexpr uint32_t rows_per_block = 4;
constexpr uint32_t row_threads = rows_per_block * warp_threads;
constexpr uint32_t columns_of_pairs(uint32_t pairs) { return 2 * pairs * warp_threads; }

// Calls function.template operator()<Pairs>() for rows of so many columns.
template <class Function>
auto with_pairs_of(uint32_t columns, Function function) {
  static_assert(columns_of_pairs(16) == cuda_hidden_max);
  if (columns <= columns_of_pairs(6)) return function.template operator()<6>();
  if (columns <= columns_of_pairs(12)) return function.template operator()<12>();
  return function.template operator()<16>();
}

constexpr Grid grid_of_rows(uint32_t rows) {
  return {(rows + rows_per_block - 1) / rows_per_block};
}
SIMT_DEVICE uint32_t row_of_warp() { return block_x() * rows_per_block + warp(); }

template <uint32_t Pairs>
struct Row {
  float x[Pairs][2];
};

// Where a lane's pair begins. Behind the row's end: its last pair, which is read and not used.
SIMT_DEVICE uint32_t column_of(uint32_t pair, uint32_t columns) {
  const uint32_t column = 2 * (pair * warp_threads + lane());
  return column < columns ? column : columns - 2;
}
SIMT_DEVICE bool is_inside(uint32_t pair, uint32_t columns) {
  return 2 * (pair * warp_threads + lane()) < columns;
}

template <uint32_t Pairs>
SIMT_DEVICE Row<Pairs> read_row(const float* from, uint32_t columns) {
  Row<Pairs> row;
  SIMT_UNROLL
  for (uint32_t i = 0; i < Pairs; ++i) {
    const FloatPair pair = load_floats(from + column_of(i, columns));
    row.x[i][0] = pair.x[0];
    row.x[i][1] = pair.x[1];
  }
  return row;
}
template <class Format, uint32_t Pairs>
SIMT_DEVICE Row<Pairs> read_row(const uint16_t* from, uint32_t columns) {
  Row<Pairs> row;
  SIMT_UNROLL
  for (uint32_t i = 0; i < Pairs; ++i) {
    const Few<2> few = load<2>(from + column_of(i, columns));
    row.x[i][0] = Format::widen(few.bits[0]);
    row.x[i][1] = Format::widen(few.bits[1]);
  }
  return row;
}

template <uint32_t Pairs>
SIMT_DEVICE void add(Row<Pairs>& to, const Row<Pairs>& row) {
  SIMT_UNROLL
  for (uint32_t i = 0; i < Pairs; ++i) {
    to.x[i][0] += row.x[i][0];
    to.x[i][1] += row.x[i][1];
  }
}

// Brings the row to mean 0 and variance 1, then times gamma, plus beta; writes it in 16 bits.
template <class Format, uint32_t Pairs>
SIMT_DEVICE void normalize_to(Row<Pairs>& row, const Row<Pairs>& gamma, const Row<Pairs>& beta,
                              uint32_t columns, float epsilon, uint16_t* out) {
  const float share = 1.0F / static_cast<float>(columns);
  float sum = 0.0F;
  SIMT_UNROLL
  for (uint32_t i = 0; i < Pairs; ++i)
    sum += is_inside(i, columns) ? row.x[i][0] + row.x[i][1] : 0.0F;
  const float mean = warp_sum(sum) * share;
  float squares = 0.0F;
  SIMT_UNROLL
  for (uint32_t i = 0; i < Pairs; ++i) {
    for (float& x : row.x[i]) {
      x -= mean;
      squares += is_inside(i, columns) ? x * x : 0.0F;
    }
  }
  const float scale = 1.0F / sqrtf(warp_sum(squares) * share + epsilon);
  SIMT_UNROLL
  for (uint32_t i = 0; i < Pairs; ++i) {
    Few<2> few;
    for (uint32_t k = 0; k < 2; ++k)
      few.bits[k] = Format::narrow(row.x[i][k] * scale * gamma.x[i][k] + beta.x[i][k]);
    if (is_inside(i, columns)) store(out + column_of(i, columns), few);
  }
}

}  // namespace hilo::simt
