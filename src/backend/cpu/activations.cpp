#include "backend/cpu/activations.h"

#include "base/ensure.h"

namespace hilo {
namespace {

constexpr size_t tile_rows_most = 32;

size_t stride_of(Precision precision, size_t columns) {
  const size_t used = round_up(padded_depth(precision, columns), column_padding);
  const size_t lines = round_up(used * bytes_of(precision), cache_line_bytes) / cache_line_bytes;
  return (lines | 1) * cache_line_bytes / bytes_of(precision);
}

}  // namespace

Activations::Activations(Precision precision, size_t rows, size_t columns)
    : precision_(precision),
      stride_(stride_of(precision, columns)),
      data_((rows + tile_rows_most) * stride_ * bytes_of(precision)),
      row_scale_(precision == Precision::int8 ? rows : 0),
      row_offset_(precision == Precision::int8 ? rows : 0) {}

void narrow_row(const CpuKernels& kernels, const Matrix& from, size_t columns, const Operand& to,
                size_t row) {
  if (to.matrix.precision == Precision::bf16)
    return kernels.narrow_to_bf16(from.floats(row), columns, to.matrix.bf16s(row));
  ENSURE(to.matrix.precision == Precision::int8);
  const RowScale scale =
      kernels.narrow_to_int8(from.floats(row), columns, to.matrix.from(row).data);
  to.row_scale[row] = scale.scale;
  to.row_offset[row] = scale.offset;
}

}  // namespace hilo
