#include <fmt/format.h>

#include "backend/cpu/activations.h"
#include "backend/cpu/choose_kernels.h"
#include "backend/cpu/cpu_backend.h"

namespace hilo {

Result<PrecisionChoice> choose_precision(std::string_view wanted, CpuLevel level) {
  const bool has_bf16 = kernels_for(level).bf16.multiply != nullptr;
  if (wanted == "fp32") return PrecisionChoice{Precision::fp32, ""};
  if (wanted == "bf16" && has_bf16) return PrecisionChoice{Precision::bf16, ""};
  if (wanted == "bf16") {
    return Error{fmt::format(
        "the precision bf16 needs a processor that multiplies bf16 (AVX512-BF16 or AMX), and this "
        "one computes at the level {}: use fp32, which is exact, or int8, or let auto choose.",
        cpu_level_name(level))};
  }
  if (wanted == "int8") {
    const bool slow = level < CpuLevel::avx512_vnni;
    return PrecisionChoice{
        Precision::int8,
        slow ? fmt::format("int8 is exact, but no faster than fp32, at the level {}: it has no dot "
                           "products of 8-bit integers",
                           cpu_level_name(level))
             : ""};
  }
  if (wanted == "auto") {
    const bool wide = has_bf16 && level != CpuLevel::scalar;
    const Precision precision = wide ? Precision::bf16 : Precision::fp32;
    return PrecisionChoice{
        precision, wide ? fmt::format("auto chose bf16, because {} multiplies it faster than fp32",
                                      cpu_level_name(level))
                        : fmt::format("auto chose fp32, because nothing at the level {} is faster "
                                      "and as good",
                                      cpu_level_name(level))};
  }
  return Error{fmt::format("{} is no precision: use fp32, bf16, int8 or auto.", wanted)};
}

}  // namespace hilo
