#include "backend/cpu/pooling.h"

#include <algorithm>
#include <cmath>

namespace hilo {

void pool(Pooling pooling, const Matrix& rows, size_t count, size_t columns, float* vector) {
  std::copy_n(rows.floats(pooling == Pooling::last ? count - 1 : 0), columns, vector);
  if (pooling != Pooling::mean) return;
  for (size_t row = 1; row < count; ++row) {
    const float* values = rows.floats(row);
    for (size_t i = 0; i < columns; ++i) vector[i] += values[i];
  }
  const float scale = 1.0F / static_cast<float>(count);
  for (size_t i = 0; i < columns; ++i) vector[i] *= scale;
}

void scale_to_unit_length(float* vector, size_t columns) {
  double squares = 0.0;
  for (size_t i = 0; i < columns; ++i) squares += double{vector[i]} * double{vector[i]};
  constexpr double length_min = 1e-12;  // As PyTorch's normalize does.
  const auto scale = static_cast<float>(1.0 / std::max(std::sqrt(squares), length_min));
  for (size_t i = 0; i < columns; ++i) vector[i] *= scale;
}

}  // namespace hilo
