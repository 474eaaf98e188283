#include "base/cpu_level.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hilo {
namespace {

#if defined(__x86_64__)

// The tiles are 8 KiB of registers that Linux saves only for processes which have asked.
bool amx_works() {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr uint32_t bf16 = 1U << 22;
  constexpr uint32_t tile = 1U << 24;
  constexpr uint32_t int8 = 1U << 25;
  if ((edx & (bf16 | tile | int8)) != (bf16 | tile | int8)) return false;
  constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long tile_data = 18;               // XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

CpuLevel find_best_level() {
  // These ask cpuid, and xgetbv for whether the operating system saves the wide registers.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  if (!avx2) return CpuLevel::scalar;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!avx512) return CpuLevel::avx2;
  if (!__builtin_cpu_supports("avx512vnni")) return CpuLevel::avx512;
  if (!__builtin_cpu_supports("avx512bf16")) return CpuLevel::avx512_vnni;
  if (amx_works()) return CpuLevel::amx;
  // Intel's vector product of bf16 takes five times as long as AMD's: 80 GFLOP/s a core were
  // measured where the product of floats gave 208.
  return __builtin_cpu_is("intel") ? CpuLevel::avx512_vnni : CpuLevel::avx512_bf16;
}

#else

CpuLevel find_best_level() { return CpuLevel::scalar; }

#endif

}  // namespace

CpuLevel best_cpu_level() {
  static const CpuLevel best = find_best_level();
  return best;
}

std::optional<CpuLevel> cpu_level_named(std::string_view name) {
  const auto* const found = std::ranges::find(all_cpu_levels, name, cpu_level_name);
  return found == all_cpu_levels.end() ? std::nullopt : std::optional(*found);
}

Result<CpuLevel> choose_cpu_level(std::string_view wanted, CpuLevel best) {
  if (wanted.empty()) return best;
  const std::optional<CpuLevel> level = cpu_level_named(wanted);
  if (!level) {
    std::array<std::string_view, all_cpu_levels.size()> names;
    std::ranges::transform(all_cpu_levels, names.begin(), cpu_level_name);
    return Error{
        fmt::format("HILO_CPU is \"{}\", which is no level of hilo: use one of {}, or unset it.",
                    wanted, fmt::join(names, ", "))};
  }
  if (*level <= best) return *level;
  return Error{fmt::format(
      "HILO_CPU asks for {}, but this machine has no more than {}: unset HILO_CPU or lower it.",
      wanted, cpu_level_name(best))};
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
    case CpuLevel::avx512_vnni:
      return "avx512_vnni";
    case CpuLevel::avx512_bf16:
      return "avx512_bf16";
    case CpuLevel::amx:
      return "amx";
  }
  return "unknown";
}

}  // namespace hilo
