// Which level and which precision are chosen, and what is said of it.
#include "backend/cpu/cpu_level.h"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"

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

TEST(PrecisionChoice, SaysWhatAutoChose) {
  EXPECT_EQ(choose_precision("fp32", CpuLevel::scalar)->precision, Precision::fp32);
  EXPECT_EQ(choose_precision("auto", CpuLevel::avx512_vnni)->precision, Precision::fp32);
  EXPECT_EQ(choose_precision("int8", CpuLevel::scalar)->precision, Precision::int8);
#if defined(__x86_64__)
  EXPECT_EQ(choose_precision("auto", CpuLevel::amx)->precision, Precision::bf16);
  EXPECT_EQ(choose_precision("auto", CpuLevel::amx)->why,
            "auto chose bf16, because amx multiplies it faster than fp32");
  EXPECT_EQ(choose_precision("bf16", CpuLevel::avx2).error().message,
            "the precision bf16 needs a processor that multiplies bf16 (AVX512-BF16 or AMX), and "
            "this one computes at the level avx2: use fp32, which is exact, or int8, or let auto "
            "choose.");
#endif
  EXPECT_EQ(choose_precision("fp8", CpuLevel::scalar).error().message,
            "fp8 is no precision: use fp32, bf16, int8 or auto.");
}

}  // namespace
}  // namespace hilo
