#include "backend/cpu/linear.h"

namespace hilo {

size_t tile_height(size_t rows, size_t tile_rows_max) {
  const size_t tiles = (rows + tile_rows_max - 1) / tile_rows_max;
  return (rows + tiles - 1) / tiles;
}

void apply_linear(const CpuKernels& kernels, const PackedLinear& linear, const Rows& input,
                  size_t rows, const Destination& destination, const YieldGate& gate) {
  const size_t panel_columns = linear.panel_columns();
  // Each tile also fetches its share of the next panel, which would otherwise have to be waited
  // for. All of it during the first tile would be more than the way from memory carries.
  const size_t tiles = (rows + kernels.tile_rows_max - 1) / kernels.tile_rows_max;
  const size_t share = linear.depth() / tiles;
  for (size_t panel = 0; panel < linear.panels(); ++panel) {
    const size_t column = panel * panel_columns;
    float* out = destination.data + column / destination.columns * destination.block_stride +
                 column % destination.columns;
    const float* next_panel = panel + 1 < linear.panels() ? linear.panel(panel + 1) : nullptr;
    for (size_t tile = 0, row = 0; row < rows; ++tile) {
      const size_t height = tile_height(rows - row, kernels.tile_rows_max);
      kernels.multiply({
          .rows = height,
          .depth = linear.depth(),
          .panels = 1,
          .left = input.row(row),
          .left_stride = input.stride,
          .right = linear.panel(panel),
          .right_stride = panel_columns,
          .panel_stride = 0,
          .upcoming = next_panel != nullptr ? next_panel + tile * share * panel_columns : nullptr,
          .upcoming_interval = tiles,
          .out = out + row * destination.stride,
          .out_stride = destination.stride,
          .epilogue = destination.epilogue,
          .bias = linear.bias() + column,
          .residual = out + row * destination.stride,
          .row_scale = nullptr,
      });
      gate.pass();
      row += height;
    }
  }
}

}  // namespace hilo
