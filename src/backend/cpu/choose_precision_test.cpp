// Which precision is chosen, and what is said of it.
#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"

namespace hilo {
namespace {

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
