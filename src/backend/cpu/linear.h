// Rows of activations times a packed weight matrix: cuts the rows into tiles and walks the panels.
#pragma once

#include <cstddef>

#include "backend/cpu/kernels.h"
#include "backend/cpu/packed_model.h"
#include "backend/yield_gate.h"

namespace hilo {

// A matrix of activations. `stride` floats lie between the starts of two rows.
struct Rows {
  float* data;
  size_t stride;
  float* row(size_t index) const { return data + index * stride; }
};

// Rows of `columns` floats begin an odd number of cache lines apart: the same column of many rows
// then falls into different sets of the cache, whatever the model's sizes.
inline size_t row_stride(size_t columns) {
  return round_up(columns, column_padding) + cache_line_bytes / sizeof(float);
}
static_assert(column_padding * sizeof(float) % (2 * cache_line_bytes) == 0);

// Where results go, and how sums are finished on the way: a matrix, or one matrix for each
// `columns` columns, `block_stride` floats apart. The epilogue is bias, bias_gelu or bias_residual,
// which adds what stood there before.
struct Destination {
  float* data;
  size_t stride;
  size_t columns;
  size_t block_stride;
  Epilogue epilogue;
};

// Applies `linear` to `rows` rows of `input`. Passes the gate after every tile.
void apply_linear(const CpuKernels& kernels, const PackedLinear& linear, const Rows& input,
                  size_t rows, const Destination& destination, const YieldGate& gate);

// The height of the next tile when `rows` are left: all tiles within one row of each other.
size_t tile_height(size_t rows, size_t tile_rows_max);

}  // namespace hilo
