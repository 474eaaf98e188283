// A model's tensor in memory of our own, which stays when the model's files are gone.
#pragma once

#include <algorithm>

#include "backend/cpu/aligned_array.h"
#include "model/model.h"

namespace hilo {

inline AlignedFloats copy_of(const Tensor& tensor) {
  const size_t count = size_t{tensor.rows} * tensor.columns;
  AlignedFloats copy(count);
  std::copy_n(tensor.data, count, copy.data());
  return copy;
}

}  // namespace hilo
