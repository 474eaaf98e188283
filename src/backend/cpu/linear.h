// Rows of activations times a packed weight matrix: cuts the rows into tiles and walks the panels.
#pragma once

#include <cstddef>
#include <span>

#include "backend/cpu/activations.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/packed_model.h"
#include "backend/yield_gate.h"

namespace hilo {

// Where results go, and how sums are finished on the way: a matrix, or one matrix for each
// `columns` columns, `block_stride` elements apart. The epilogue is bias, bias_gelu or
// bias_residual, which adds what stood there before.
struct Destination {
  Matrix to;
  size_t columns;
  size_t block_stride;
  Epilogue epilogue;
};

struct InputRows {
  const Operand& operand;
  size_t count;
};

struct PanelRange {
  size_t first;
  size_t end;
  std::span<const Group> after = {};  // the weights that are needed next, as far as known
};

// Applies some panels of `linear`. Passes the gate after every tile.
void apply_linear(const CpuKernels& kernels, const PackedLinear& linear, PanelRange panels,
                  const InputRows& input, const Destination& destination, const YieldGate& gate);

// The height of the next tile when `rows` are left: all tiles within one row of each other.
size_t tile_height(size_t rows, size_t tile_rows_max);

}  // namespace hilo
