// A vector for each entry of a vocabulary, in the precision of the model's matrices: in fp32 most
// of a small model's memory would be this table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/aligned_array.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/precision.h"
#include "model/model.h"

namespace hilo {

class EmbeddingTable {
 public:
  // In int8 each row has a scale of its own.
  EmbeddingTable(const Tensor& rows, Precision precision);

  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  size_t bytes() const;

  // Writes a row's `columns` floats. The same bits on every machine.
  void read(size_t row, float* out) const;

 private:
  size_t rows_;
  size_t columns_;
  Precision precision_;
  // One of these holds the rows.
  AlignedFloats floats_;
  AlignedArray<Bf16> bf16_;
  AlignedArray<int8_t> integers_;
  AlignedFloats row_scale_;  // of integers
};

}  // namespace hilo
