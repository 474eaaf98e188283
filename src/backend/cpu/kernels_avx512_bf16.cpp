// AVX-512 with VNNI and BF16: dot products of 8-bit integers and of bf16.
#if defined(__x86_64__)
#include "backend/cpu/intrinsics_avx512.inc"

namespace hilo {
namespace {

#include "backend/cpu/level_avx512.inc"

}  // namespace

const CpuKernels avx512_bf16_kernels = kernels_of_this_level;

}  // namespace hilo
#endif
