// Matrices of activations in any precision, and how they become operands of products.
#pragma once

#include <cstddef>

#include "backend/cpu/aligned_array.h"
#include "backend/cpu/kernels.h"

namespace hilo {

constexpr size_t bytes_of(Precision precision) {
  return precision == Precision::fp32 ? 4 : precision == Precision::bf16 ? 2 : 1;
}
constexpr size_t numbers_in_group(Precision precision) {
  return sizeof(Group) / bytes_of(precision);
}

inline const ProductKernel& kernel_for(const CpuKernels& kernels, Precision precision) {
  if (precision == Precision::fp32) return kernels.fp32;
  return precision == Precision::bf16 ? kernels.bf16 : kernels.int8;
}

// Rows of products' operands are padded with zeros to whole steps of the kernel that wants the
// longest: 16 groups. Floats have no such kernel.
constexpr size_t padded_depth(Precision precision, size_t columns) {
  if (precision == Precision::fp32) return columns;
  return round_up(columns, 16 * numbers_in_group(precision));
}

// Somebody's matrix. `stride` elements lie between the starts of two rows.
struct Matrix {
  Precision precision;
  uint8_t* data;
  size_t stride;

  Matrix from(size_t row) const { return {precision, data + row * row_bytes(), stride}; }
  size_t row_bytes() const { return stride * bytes_of(precision); }
  float* floats(size_t row) const { return reinterpret_cast<float*>(from(row).data); }
  Bf16* bf16s(size_t row) const { return reinterpret_cast<Bf16*>(from(row).data); }
  const Group* groups() const { return reinterpret_cast<const Group*>(data); }
  size_t groups_stride() const { return stride / numbers_in_group(precision); }
};

// The left side of a product.
struct Operand {
  Matrix matrix;
  float* row_scale = nullptr;  // for int8
  float* row_offset = nullptr;

  Operand from(size_t row) const {
    if (row_scale == nullptr) return {matrix.from(row)};
    return {matrix.from(row), row_scale + row, row_offset + row};
  }
};

// A matrix that owns its memory. Rows begin an odd number of cache lines apart: the same column of
// many rows then falls into different sets of the cache, whatever the model's sizes. Behind the
// last row there is room for what kernels read of a whole tile.
class Activations {
 public:
  Activations() = default;
  Activations(Precision precision, size_t rows, size_t columns);

  bool empty() const { return data_.size() == 0; }
  Precision precision() const { return precision_; }
  size_t bytes() const { return data_.bytes() + row_scale_.bytes() + row_offset_.bytes(); }
  Matrix matrix() { return {precision_, data_.data(), stride_}; }
  Operand operand() { return {matrix(), row_scale_.data(), row_offset_.data()}; }

 private:
  Precision precision_ = Precision::fp32;
  size_t stride_ = 0;
  AlignedArray<uint8_t> data_;
  AlignedFloats row_scale_, row_offset_;
};

// Row `row` of `from`, padded to `columns` floats, becomes that row of `to`.
void narrow_row(const CpuKernels& kernels, const Matrix& from, size_t columns, const Operand& to,
                size_t row);

}  // namespace hilo
