// AVX-512 (F, BW, DQ, VL).
#if defined(__x86_64__)
#include "backend/cpu/intrinsics_avx512.inc"

namespace hilo {
namespace {

// The order matters: each uses what stands before it.
// clang-format off
#include "backend/cpu/vector_avx512.inc"
#include "backend/cpu/product_simd.inc"
// clang-format on

constexpr ProductKernel bf16_kernel = {.rows_max = rows_max, .depth_unit = 1, .multiply = nullptr};
constexpr ProductKernel int8_kernel = kernel_of<IntegerSums, Int8Dot>;
constexpr auto begin_thread = nullptr;
constexpr auto end_thread = nullptr;

#include "backend/cpu/rows_simd.inc"

}  // namespace

const CpuKernels avx512_kernels = kernels_of_this_level;

}  // namespace hilo
#endif
