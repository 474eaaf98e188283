// Numbers of 16 bits as they lie in memory, and as floats in registers.
#pragma once

#include "backend/cuda/kernels.h"
#include "backend/cuda/kernels/simt.h"
#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#else
#include "backend/cpu/bf16.h"
#include "backend/cuda/fp16.h"
#endif

namespace hilo::simt {

struct Bf16Format {
#ifdef __CUDACC__
  static SIMT_DEVICE float widen(uint16_t bits) {
    return __uint_as_float(static_cast<uint32_t>(bits) << 16);
  }
  static SIMT_DEVICE uint16_t narrow(float number) {
    return __bfloat16_as_ushort(__float2bfloat16_rn(number));
  }
#else
  static float widen(uint16_t bits) { return float_of(bits); }
  static uint16_t narrow(float number) { return bf16_of(number); }
#endif
};

struct Fp16Format {
#ifdef __CUDACC__
  static SIMT_DEVICE float widen(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
  static SIMT_DEVICE uint16_t narrow(float number) {
    return __half_as_ushort(__float2half_rn(number));
  }
#else
  static float widen(uint16_t bits) { return float_of_fp16(bits); }
  static uint16_t narrow(float number) { return fp16_of(number); }
#endif
};

// Neighbours that are read or written at once.
template <uint32_t Count>
struct alignas(2 * Count) Few {
  uint16_t bits[Count];
};

template <uint32_t Count>
SIMT_DEVICE Few<Count> load(const uint16_t* from) {
  return *reinterpret_cast<const Few<Count>*>(from);
}
template <uint32_t Count>
SIMT_DEVICE void store(uint16_t* to, const Few<Count>& few) {
  *reinterpret_cast<Few<Count>*>(to) = few;
}

}  // namespace hilo::simt
