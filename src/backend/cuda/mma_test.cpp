// A warp's product of small matrices on the GPU of the host, where lanes hold what kernels/mma.h
// says.
#include "backend/cuda/kernels/mma.h"

#include <gmock/gmock.h>

#include "backend/cuda/kernels_test_support.h"

namespace hilo::simt {
namespace {

class WarpProductTest : public CudaKernel {};
INSTANTIATE_TEST_SUITE_P(Formats, WarpProductTest, testing::Values(cuda_bf16, cuda_fp16),
                         format_name);

// Row-major, and `sums` is what is there before and after.
struct Matrices {
  const uint16_t* left;   // [mma_rows, mma_depth]
  const uint16_t* right;  // [mma_depth, mma_columns]
  float* sums;            // [mma_rows, mma_columns]
};

SIMT_DEVICE uint32_t pair(uint16_t low, uint16_t high) { return low | uint32_t{high} << 16; }

template <class Format>
SIMT_KERNEL(warp_threads)
multiply_kernel(Matrices of) {
  const auto left = [&](uint32_t row, uint32_t column) {
    const uint16_t* const at = of.left + row * mma_depth + column;
    return pair(at[0], at[1]);
  };
  const auto right = [&](uint32_t row) {
    const uint16_t* const at = of.right + row * mma_columns + group();
    return pair(at[0], at[mma_columns]);
  };
  float* const near = of.sums + group() * mma_columns + 2 * member();
  float* const far = near + 8 * mma_columns;
  float sums[4] = {near[0], near[1], far[0], far[1]};
  multiply_add<Format>(sums,
                       {left(group(), 2 * member()), left(group() + 8, 2 * member()),
                        left(group(), 2 * member() + 8), left(group() + 8, 2 * member() + 8)},
                       {right(2 * member()), right(2 * member() + 8)});
  near[0] = sums[0];
  near[1] = sums[1];
  far[0] = sums[2];
  far[1] = sums[3];
}

TEST_P(WarpProductTest, IsThatOfTheMatrices) {
  const auto left = random_.narrow_floats(format(), size_t{mma_rows} * mma_depth);
  const auto right = random_.narrow_floats(format(), size_t{mma_depth} * mma_columns);
  const auto before = random_.floats(size_t{mma_rows} * mma_columns);
  auto sums = before;
  const auto kernel =
      format() == cuda_bf16 ? multiply_kernel<Bf16Format> : multiply_kernel<Fp16Format>;
  run_in_all_orders(sums, [&] {
    return launch(kernel, {1}, warp_threads, Matrices{left.data(), right.data(), sums.data()},
                  nullptr);
  });
  for (uint32_t row = 0; row < mma_rows; ++row) {
    for (uint32_t column = 0; column < mma_columns; ++column) {
      const uint32_t place = row * mma_columns + column;
      float expected = before[place];
      for (uint32_t k = 0; k < mma_depth; ++k)
        expected += wide(left[row * mma_depth + k]) * wide(right[k * mma_columns + column]);
      ASSERT_NEAR(sums[place], expected, 1e-5F) << row << ", " << column;
    }
  }
}

SIMT_KERNEL(warp_threads) divergent_product(Matrices) {
  float sums[4] = {};
  if (lane() != 7) multiply_add<Bf16Format>(sums, {}, {});
}

TEST(WarpProduct, IsRefusedWhereSomeLanesDoNotComeToIt) {
  EXPECT_EQ(launch(divergent_product, {1}, warp_threads, Matrices{}, nullptr), launch_failure);
  EXPECT_THAT(fault(), testing::HasSubstr("some lanes never come"));
}

}  // namespace
}  // namespace hilo::simt
