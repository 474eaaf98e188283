// A copy of attention with a mistake, for attention_kernel_test.cpp: its block barriers are
// missing.
#include "backend/cuda/kernels/simt.h"

namespace hilo::simt {
inline void no_barrier() {}
}  // namespace hilo::simt

#define sync_block no_barrier
#define cuda_attend attend_without_block_barriers
#include "backend/cuda/kernels/attention.cu"
