// Floats as bf16 and back, one at a time: for what is compiled for every machine. The kernels of
// wider instruction sets have their own, since they may include no inline function.
#pragma once

#include <bit>
#include <cstdint>

#include "backend/cpu/kernels.h"

namespace hilo {

inline float float_of(Bf16 number) { return std::bit_cast<float>(uint32_t{number} << 16); }

// The nearest, ties to even. Not for infinities, and not-a-number may become another one.
inline Bf16 bf16_of(float number) {
  const auto bits = std::bit_cast<uint32_t>(number);
  return static_cast<Bf16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace hilo
