#include "backend/cpu/cpu_level.h"

#include <cstdlib>
#include <string>

#include <fmt/format.h>

namespace hilo {

CpuLevel best_cpu_level() {
#if defined(__x86_64__)
  // These ask cpuid, and xgetbv for whether the operating system saves the wide registers.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx512) return CpuLevel::avx512;
  if (avx2) return CpuLevel::avx2;
#endif
  return CpuLevel::scalar;
}

Result<CpuLevel> choose_cpu_level(std::string_view wanted, CpuLevel best) {
  if (wanted.empty()) return best;
  for (const CpuLevel level : {CpuLevel::scalar, CpuLevel::avx2, CpuLevel::avx512}) {
    if (wanted != cpu_level_name(level)) continue;
    if (level <= best) return level;
    return Error{fmt::format(
        "HILO_CPU asks for {}, but this machine has no more than {}: unset HILO_CPU or lower it.",
        wanted, cpu_level_name(best))};
  }
  return Error{fmt::format(
      "HILO_CPU is \"{}\", which is no level of hilo: use scalar, avx2 or avx512, or unset it.",
      wanted)};
}

Result<CpuLevel> select_cpu_level() {
  const char* wanted = std::getenv("HILO_CPU");
  return choose_cpu_level(wanted != nullptr ? wanted : "", best_cpu_level());
}

const char* cpu_level_name(CpuLevel level) {
  switch (level) {
    case CpuLevel::scalar:
      return "scalar";
    case CpuLevel::avx2:
      return "avx2";
    case CpuLevel::avx512:
      return "avx512";
  }
  return "unknown";
}

const CpuKernels& kernels_for(CpuLevel level) {
#if defined(__x86_64__)
  if (level == CpuLevel::avx512) return avx512_kernels;
  if (level == CpuLevel::avx2) return avx2_kernels;
#endif
  ENSURE(level == CpuLevel::scalar);
  return scalar_kernels;
}

}  // namespace hilo
