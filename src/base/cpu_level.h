// Which instruction set to compute with: the decision, and where its inputs come from.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace hilo {

// What a level adds to the one before: avx512_vnni dot products of 8-bit integers, avx512_bf16
// those of bf16, amx products of whole tiles of both.
enum class CpuLevel { scalar, avx2, avx512, avx512_vnni, avx512_bf16, amx };
inline constexpr std::array all_cpu_levels{CpuLevel::scalar,      CpuLevel::avx2,
                                           CpuLevel::avx512,      CpuLevel::avx512_vnni,
                                           CpuLevel::avx512_bf16, CpuLevel::amx};

const char* cpu_level_name(CpuLevel level);
std::optional<CpuLevel> cpu_level_named(std::string_view name);

// The best level this machine and its operating system support, or the one HILO_CPU names. An
// unknown name, or a level the machine lacks, is an error.
Result<CpuLevel> select_cpu_level();

// The best level that the processor has and the operating system saves the registers of. Asks the
// kernel for AMX where there is any, which counts for the whole process.
CpuLevel best_cpu_level();

// `wanted` is the value of HILO_CPU; empty means the best.
Result<CpuLevel> choose_cpu_level(std::string_view wanted, CpuLevel best);

}  // namespace hilo
