// The levels of kernels that a test runs at, and how its name tells which.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_level.h"

namespace hilo {

inline std::vector<CpuLevel> levels_here() {
  std::vector<CpuLevel> levels;
  for (const CpuLevel level : {CpuLevel::scalar, CpuLevel::avx2, CpuLevel::avx512}) {
    if (level <= best_cpu_level()) levels.push_back(level);
  }
  return levels;
}

inline std::string level_of(const testing::TestParamInfo<CpuLevel>& info) {
  return cpu_level_name(info.param);
}

}  // namespace hilo
