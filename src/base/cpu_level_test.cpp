// Which level is chosen, and what is said of it.
#include "base/cpu_level.h"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

namespace hilo {
namespace {

TEST(CpuLevelChoice, TakesTheBestUnlessToldOtherwise) {
  EXPECT_EQ(*choose_cpu_level("", CpuLevel::avx2), CpuLevel::avx2);
  EXPECT_EQ(*choose_cpu_level("scalar", CpuLevel::avx512), CpuLevel::scalar);
  EXPECT_EQ(*choose_cpu_level("avx512", CpuLevel::avx512), CpuLevel::avx512);
  EXPECT_EQ(choose_cpu_level("avx512", CpuLevel::avx2).error().message,
            "HILO_CPU asks for avx512, but this machine has no more than avx2: unset HILO_CPU or "
            "lower it.");
  EXPECT_EQ(choose_cpu_level("AVX2", CpuLevel::avx512).error().message,
            "HILO_CPU is \"AVX2\", which is no level of hilo: use one of scalar, avx2, avx512, "
            "avx512_vnni, avx512_bf16, amx, or unset it.");
}

TEST(CpuLevelChoice, ReadsTheEnvironment) {
  const char* before = std::getenv("HILO_CPU");
  const std::string kept = before != nullptr ? before : "";
  ASSERT_EQ(::setenv("HILO_CPU", "scalar", 1), 0);
  EXPECT_EQ(*select_cpu_level(), CpuLevel::scalar);
  ASSERT_EQ(::unsetenv("HILO_CPU"), 0);
  EXPECT_EQ(*select_cpu_level(), best_cpu_level());
  if (before != nullptr) {
    ASSERT_EQ(::setenv("HILO_CPU", kept.c_str(), 1), 0);
  }
}

}  // namespace
}  // namespace hilo
