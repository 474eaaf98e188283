// The numbers that products are computed with: of weights, and of the activations they meet.
#pragma once

#include <cstdint>

namespace hilo {

enum class Precision : uint32_t {
  fp32,
  bf16,  // 8 bits of mantissa, sums in fp32
  int8,  // weights in 8 bits with a scale a column, activations in 8 bits with a scale a row
};

const char* precision_name(Precision precision);

}  // namespace hilo
