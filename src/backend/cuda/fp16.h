// Floats as fp16 and back, on the host, one at a time.
#pragma once

#include <bit>
#include <cstdint>

namespace hilo {

inline float float_of_fp16(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000U} << 16;
  const uint32_t exponent = bits >> 10 & 0x1fU;
  const uint32_t fraction = bits & 0x3ffU;
  if (exponent == 0) {  // zero, or a multiple of the smallest number
    const float size = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(size) | sign);
  }
  const uint32_t wide_exponent = exponent == 0x1f ? 0xffU : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13);
}

// The nearest, ties to even; what is too large becomes infinite.
inline uint16_t fp16_of(float number) {
  const auto bits = std::bit_cast<uint32_t>(number);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000U);
  const uint32_t size = bits & 0x7fffffffU;
  if (size > 0x7f800000U) return sign | 0x7e00U;  // not a number
  // The largest is 65504; from halfway to the next that there would be, rounding goes up.
  if (size >= 0x477ff000U) return sign | 0x7c00U;
  if (size < 0x38800000U) {
    // Below 2^-14, numbers lie 2^-24 apart. Adding one half puts them in the last bits of a float.
    const float shifted = std::bit_cast<float>(size) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000U));
  }
  const uint32_t rounded = size + 0xfffU + (size >> 13 & 1U) - (uint32_t{127 - 15} << 23);
  return static_cast<uint16_t>(sign | rounded >> 13);
}

}  // namespace hilo
