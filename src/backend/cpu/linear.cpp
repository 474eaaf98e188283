#include "backend/cpu/linear.h"

#include <algorithm>
#include <span>

#include "base/ensure.h"

namespace hilo {

size_t tile_height(size_t rows, size_t tile_rows_max) {
  const size_t tiles = (rows + tile_rows_max - 1) / tile_rows_max;
  return (rows + tiles - 1) / tiles;
}

void apply_linear(const CpuKernels& kernels, const PackedLinear& linear, PanelRange panels,
                  const InputRows& input, const Destination& destination, const YieldGate& gate) {
  ENSURE(input.operand.matrix.precision == linear.precision());
  const ProductKernel& kernel = kernel_for(kernels, linear.precision());
  const size_t rows = input.count;
  const size_t panel_columns = linear.panel_columns();
  const bool integers = linear.precision() == Precision::int8;
  const Matrix& to = destination.to;
  const size_t steps = (rows + kernel.rows_max - 1) / kernel.rows_max * linear.depth();
  for (size_t panel = panels.first; panel < panels.end; ++panel) {
    const size_t column = panel * panel_columns;
    const size_t place =
        column / destination.columns * destination.block_stride + column % destination.columns;
    // Each step also fetches its share of the next panel, which would otherwise have to be waited
    // for. All of it at once would be more than the way from memory carries.
    const std::span<const Group> next =
        panel + 1 < panels.end ? linear.panel(panel + 1) : panels.after;
    const size_t share =
        std::min((next.size_bytes() + steps - 1) / steps, panel_columns * sizeof(Group));
    Upcoming upcoming{reinterpret_cast<const uint8_t*>(next.data()), share};
    for (size_t row = 0; row < rows;) {
      const size_t height = tile_height(rows - row, kernel.rows_max);
      const Operand left = input.operand.from(row);
      uint8_t* const out = to.from(row).data + place * bytes_of(to.precision);
      kernel.multiply({
          .rows = height,
          .depth = linear.depth(),
          .panels = 1,
          .left = left.matrix.groups(),
          .left_stride = left.matrix.groups_stride(),
          .right = linear.panel(panel).data(),
          .right_stride = panel_columns,
          .panel_stride = 0,
          .upcoming = upcoming,
          .out = out,
          .out_stride = to.stride,
          .out_precision = to.precision,
          .epilogue = destination.epilogue,
          .bias = linear.bias() + column,
          .residual = reinterpret_cast<const float*>(out),
          .row_scale = left.row_scale,
          .row_offset = left.row_offset,
          .column_scale = integers ? linear.column_scale() + column : nullptr,
          .column_offset = integers ? linear.column_offset() + column : nullptr,
      });
      if (!gate.pass()) return;
      upcoming.data += linear.depth() * share;
      row += height;
    }
  }
}

}  // namespace hilo
