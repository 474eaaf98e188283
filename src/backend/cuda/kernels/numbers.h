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
  static SIMT_DEVICE uint32_t narrow_pair(float low, float high) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    return reinterpret_cast<const uint32_t&>(pair);
  }
#else
  static float widen(uint16_t bits) { return float_of(bits); }
  static uint16_t narrow(float number) { return bf16_of(number); }
  static uint32_t narrow_pair(float low, float high) {
    return narrow(low) | uint32_t{narrow(high)} << 16;
  }
#endif
};

struct Fp16Format {
#ifdef __CUDACC__
  static SIMT_DEVICE float widen(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
  static SIMT_DEVICE uint16_t narrow(float number) {
    return __half_as_ushort(__float2half_rn(number));
  }
  static SIMT_DEVICE uint32_t narrow_pair(float low, float high) {
    const __half2 pair = __floats2half2_rn(low, high);
    return reinterpret_cast<const uint32_t&>(pair);
  }
#else
  static float widen(uint16_t bits) { return float_of_fp16(bits); }
  static uint16_t narrow(float number) { return fp16_of(number); }
  static uint32_t narrow_pair(float low, float high) {
    return narrow(low) | uint32_t{narrow(high)} << 16;
  }
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

struct alignas(2 * sizeof(float)) FloatPair {
  float x[2];
};
SIMT_DEVICE FloatPair load_floats(const float* from) {
  return *reinterpret_cast<const FloatPair*>(from);
}

// Neighbours by pairs, as tensor cores take them: eight, which are read at once, or four.
struct alignas(16) Unit {
  uint32_t word[4];
};
struct alignas(8) HalfUnit {
  uint32_t word[2];
};
static_assert(sizeof(Unit) == cuda_width_unit * sizeof(uint16_t));

template <class Words>
SIMT_DEVICE Words load_words(const void* from) {
  return *static_cast<const Words*>(from);
}
SIMT_DEVICE void store_words(void* to, const Unit& unit) { *static_cast<Unit*>(to) = unit; }

}  // namespace hilo::simt
