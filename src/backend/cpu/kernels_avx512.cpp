// AVX-512 (F, BW, DQ, VL).
#if defined(__x86_64__)
#include "backend/cpu/intrinsics_avx512.inc"

namespace hilo {
namespace {

#include "backend/cpu/level_avx512.inc"

}  // namespace

const CpuKernels avx512_kernels = kernels_of_this_level;

}  // namespace hilo
#endif
