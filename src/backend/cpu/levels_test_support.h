// The levels of kernels that a test runs at, and how its name tells which.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/cpu/activations.h"
#include "backend/cpu/choose_kernels.h"
#include "backend/cpu/cpu_backend.h"

namespace hilo {

inline std::vector<CpuLevel> levels_here() {
  std::vector<CpuLevel> levels;
  for (const CpuLevel level : all_cpu_levels) {
    if (level <= best_cpu_level()) levels.push_back(level);
  }
  return levels;
}

inline std::string level_of(const testing::TestParamInfo<CpuLevel>& info) {
  return cpu_level_name(info.param);
}

// A level and a precision that it computes.
struct KernelCase {
  CpuLevel level;
  Precision precision;
};

inline std::vector<KernelCase> kernel_cases_here() {
  std::vector<KernelCase> cases;
  for (const CpuLevel level : levels_here())
    for (const Precision precision : {Precision::fp32, Precision::bf16, Precision::int8})
      if (kernel_for(kernels_for(level), precision).multiply != nullptr)
        cases.push_back({level, precision});
  return cases;
}

inline std::string name_of_case(const testing::TestParamInfo<KernelCase>& info) {
  return std::string{cpu_level_name(info.param.level)} + "_" + precision_name(info.param.precision);
}

}  // namespace hilo
