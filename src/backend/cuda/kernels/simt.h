// The few words that kernels are written in. nvcc takes them for what the GPU has; another compiler
// for calls of the shim, which runs the same source on the host.
#pragma once

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__

#include "backend/cuda/kernels.h"

#define SIMT_DEVICE __device__ __forceinline__
#define SIMT_KERNEL(threads) __global__ void __launch_bounds__(threads)
// With registers for at least so many blocks at once on a multiprocessor.
#define SIMT_KERNEL_OF_BLOCKS(threads, blocks) __global__ void __launch_bounds__(threads, blocks)
#define SIMT_SHARED(Type, name) __shared__ Type name
#define SIMT_UNROLL _Pragma("unroll")
#define SIMT_UNROLL_8 _Pragma("unroll 8")

namespace hilo::simt {

SIMT_DEVICE uint32_t thread() { return threadIdx.x; }
SIMT_DEVICE uint32_t block_x() { return blockIdx.x; }
SIMT_DEVICE uint32_t block_y() { return blockIdx.y; }
SIMT_DEVICE void sync_block() { __syncthreads(); }
// Within two units of the last place; 0 below the smallest normal number.
SIMT_DEVICE float reciprocal_fast(float x) {
  float reciprocal;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(reciprocal) : "f"(x));
  return reciprocal;
}
SIMT_DEVICE float exp2_fast(float x) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
  return power;
}
SIMT_DEVICE float shuffle_xor(float value, uint32_t mask) {
  return __shfl_xor_sync(0xffffffffU, value, static_cast<int>(mask));
}

struct Grid {
  uint32_t x;
  uint32_t y = 1;
};

template <class Arguments>
int launch(void (*kernel)(Arguments), Grid grid, uint32_t threads, const Arguments& arguments,
           CudaStream* stream) {
  kernel<<<dim3(grid.x, grid.y), threads, 0, reinterpret_cast<cudaStream_t>(stream)>>>(arguments);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace hilo::simt

#else

#include "backend/cuda/host/simt_shim.h"

#define SIMT_DEVICE inline
#define SIMT_KERNEL(threads) void
#define SIMT_KERNEL_OF_BLOCKS(threads, blocks) void
// One block runs at a time on a thread, so its shared memory can lie in one place.
#define SIMT_SHARED(Type, name) Type& name = *hilo::simt::shared_memory<Type>()
#define SIMT_UNROLL
#define SIMT_UNROLL_8

#endif

namespace hilo::simt {

constexpr uint32_t warp_threads = 32;

SIMT_DEVICE uint32_t warp() { return thread() / warp_threads; }
SIMT_DEVICE uint32_t lane() { return thread() % warp_threads; }

// Of neighbouring lanes, a power of two, that all call it. Every lane gets the same bits: each step
// adds the same two numbers on both sides.
template <uint32_t Lanes>
SIMT_DEVICE float sum_of_lanes(float value) {
  for (uint32_t mask = Lanes / 2; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}
template <uint32_t Lanes>
SIMT_DEVICE float max_of_lanes(float value) {
  for (uint32_t mask = Lanes / 2; mask > 0; mask /= 2)
    value = fmaxf(value, shuffle_xor(value, mask));
  return value;
}
SIMT_DEVICE float warp_sum(float value) { return sum_of_lanes<warp_threads>(value); }

}  // namespace hilo::simt
