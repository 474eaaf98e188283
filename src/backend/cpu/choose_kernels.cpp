#include "backend/cpu/choose_kernels.h"

#include "base/ensure.h"

namespace hilo {

const CpuKernels& kernels_for(CpuLevel level) {
  switch (level) {
    case CpuLevel::scalar:
      break;
#if defined(__x86_64__)
    case CpuLevel::avx2:
      return avx2_kernels;
    case CpuLevel::avx512:
      return avx512_kernels;
    case CpuLevel::avx512_vnni:
      return avx512_vnni_kernels;
    case CpuLevel::avx512_bf16:
      return avx512_bf16_kernels;
    case CpuLevel::amx:
      return amx_kernels;
#else
    default:
      ENSURE(level == CpuLevel::scalar);
#endif
  }
  return scalar_kernels;
}

}  // namespace hilo
