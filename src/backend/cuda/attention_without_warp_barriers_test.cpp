// A copy of attention with a mistake, for attention_kernel_test.cpp: its warp barriers are missing.
#include "backend/cuda/kernels/simt.h"

namespace hilo::simt {
inline void no_barrier() {}
}  // namespace hilo::simt

#define sync_warp no_barrier
#define cuda_attend attend_without_warp_barriers
#include "backend/cuda/kernels/attention.cu"
