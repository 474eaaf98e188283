#include "backend/cuda/tensor_plan.h"

#include <random>

#include <gtest/gtest.h>

#include "backend/cuda/driver.h"

namespace hilo {
namespace {

TEST(TensorPlan, WhatNeverLivesTogetherShares) {
  const TensorSpec specs[] = {{1000, 0, 1}, {512, 2, 3}, {100, 1, 2}};
  const TensorPlan plan = plan_tensors(specs);
  EXPECT_EQ(plan.offsets, (std::vector<uint64_t>{0, 0, 1024}));
  EXPECT_EQ(plan.bytes, 1280U);
}

TEST(TensorPlan, FillsGaps) {
  // The second lies on the first's place only when that is gone; the last fits between two.
  const TensorSpec specs[] = {{4096, 0, 0}, {2048, 1, 5}, {1024, 0, 5}, {512, 1, 5}};
  const TensorPlan plan = plan_tensors(specs);
  EXPECT_EQ(plan.offsets, (std::vector<uint64_t>{0, 0, 4096, 2048}));
  EXPECT_EQ(plan.bytes, 5120U);
}

TEST(TensorPlan, NothingTakesNothing) { EXPECT_EQ(plan_tensors({}).bytes, 0U); }

// Random sizes and lifetimes: no two that live together overlap, all are aligned and inside, and no
// plan is larger than one that shares nothing, nor smaller than what is alive at once.
TEST(TensorPlan, TensorsThatLiveTogetherNeverOverlap) {
  std::mt19937 random(1);
  const auto below = [&](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  for (int round = 0; round < 500; ++round) {
    std::vector<TensorSpec> specs(1 + below(12));
    for (TensorSpec& spec : specs) {
      spec.first_step = below(8);
      spec.last_step = spec.first_step + below(4);
      spec.bytes = 1 + below(5000);
    }
    const TensorPlan plan = plan_tensors(specs);
    const auto end = [&](size_t i) { return plan.offsets[i] + specs[i].bytes; };
    uint64_t all = 0;
    for (size_t i = 0; i < specs.size(); ++i) {
      ASSERT_EQ(plan.offsets[i] % cuda_alignment, 0U);
      ASSERT_LE(end(i), plan.bytes);
      all += (specs[i].bytes + 255) / 256 * 256;
      for (size_t k = 0; k < i; ++k) {
        const bool live_together =
            specs[i].first_step <= specs[k].last_step && specs[k].first_step <= specs[i].last_step;
        if (!live_together) continue;
        ASSERT_TRUE(end(i) <= plan.offsets[k] || end(k) <= plan.offsets[i]);
      }
    }
    ASSERT_LE(plan.bytes, all);
  }
}

}  // namespace
}  // namespace hilo
