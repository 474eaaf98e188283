// Which instruction set to compute with: the decision, apart from where its inputs come from.
#pragma once

#include <array>
#include <string_view>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/kernels.h"
#include "base/result.h"

namespace hilo {

inline constexpr std::array all_cpu_levels{CpuLevel::scalar,      CpuLevel::avx2,
                                           CpuLevel::avx512,      CpuLevel::avx512_vnni,
                                           CpuLevel::avx512_bf16, CpuLevel::amx};

// The best level that the processor has and the operating system saves the registers of. Asks the
// kernel for AMX where there is any, which counts for the whole process.
CpuLevel best_cpu_level();

// `wanted` is the value of HILO_CPU; empty means the best.
Result<CpuLevel> choose_cpu_level(std::string_view wanted, CpuLevel best);

const CpuKernels& kernels_for(CpuLevel level);

}  // namespace hilo
