#include "backend/cpu/embedding_table.h"

#include <algorithm>
#include <span>

#include "backend/cpu/bf16.h"
#include "backend/cpu/integers.h"
#include "base/ensure.h"

namespace hilo {

EmbeddingTable::EmbeddingTable(const Tensor& rows, Precision precision)
    : rows_(rows.rows), columns_(rows.columns), precision_(precision) {
  const std::span<const float> weights(rows.data, rows_ * columns_);
  switch (precision_) {
    case Precision::fp32:
      floats_ = AlignedFloats(weights.size());
      std::ranges::copy(weights, floats_.data());
      break;
    case Precision::bf16:
      bf16_ = AlignedArray<Bf16>(weights.size());
      std::ranges::transform(weights, bf16_.data(), bf16_of);
      break;
    case Precision::int8:
      integers_ = AlignedArray<int8_t>(weights.size());
      row_scale_ = AlignedFloats(rows_);
      for (size_t row = 0; row < rows_; ++row) {
        const std::span<const float> from = weights.subspan(row * columns_, columns_);
        const IntegerScale integers = integer_scale_of(from);
        row_scale_.data()[row] = integers.scale;
        std::ranges::transform(from, integers_.data() + row * columns_,
                               [&](float weight) { return integers.at(weight); });
      }
      break;
  }
}

size_t EmbeddingTable::bytes() const {
  return floats_.bytes() + bf16_.bytes() + integers_.bytes() + row_scale_.bytes();
}

void EmbeddingTable::read(size_t row, float* out) const {
  ENSURE(row < rows_);
  const size_t first = row * columns_;
  switch (precision_) {
    case Precision::fp32:
      std::copy_n(floats_.data() + first, columns_, out);
      break;
    case Precision::bf16:
      std::transform(bf16_.data() + first, bf16_.data() + first + columns_, out, float_of);
      break;
    case Precision::int8: {
      const int8_t* const integers = integers_.data() + first;
      const float scale = row_scale_.data()[row];
      for (size_t i = 0; i < columns_; ++i) out[i] = scale * static_cast<float>(integers[i]);
      break;
    }
  }
}

}  // namespace hilo
