// What tests of kernels share: numbers of 16 bits, random data, and all orders of threads.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backend/cpu/bf16.h"
#include "backend/cuda/fp16.h"
#include "backend/cuda/host/simt_shim.h"
#include "backend/cuda/kernels.h"

namespace hilo {

inline float widen(CudaFormat format, uint16_t bits) {
  return format == cuda_bf16 ? float_of(bits) : float_of_fp16(bits);
}
inline uint16_t narrow(CudaFormat format, float number) {
  return format == cuda_bf16 ? bf16_of(number) : fp16_of(number);
}

// Half a step of the last bit, with a little for sums in another order.
inline float tolerance(CudaFormat format, float number) {
  const float step = format == cuda_bf16 ? 0x1p-8F : 0x1p-11F;
  return 1.02F * step * std::abs(number) + 2e-5F;
}

class Random {
 public:
  std::vector<float> floats(size_t count, float deviation = 1.0F, float mean = 0.0F) {
    std::normal_distribution<float> distribution(mean, deviation);
    std::vector<float> numbers(count);
    for (float& number : numbers) number = distribution(generator_);
    return numbers;
  }
  std::vector<uint16_t> narrow_floats(CudaFormat format, size_t count, float deviation = 1.0F) {
    std::vector<uint16_t> numbers;
    for (const float number : floats(count, deviation)) numbers.push_back(narrow(format, number));
    return numbers;
  }
  template <class Number>
  std::vector<Number> below(uint32_t bound, size_t count) {
    std::uniform_int_distribution<uint32_t> distribution(0, bound - 1);
    std::vector<Number> numbers(count);
    for (Number& number : numbers) number = static_cast<Number>(distribution(generator_));
    return numbers;
  }

 private:
  std::mt19937 generator_{7};
};

// Texts packed behind each other, as kernels see them.
struct PackedTexts {
  explicit PackedTexts(const std::vector<uint32_t>& lengths) {
    for (const uint32_t length : lengths) {
      const uint32_t begin = start.back();
      start.push_back(begin + length);
      for (uint32_t query = begin; query < begin + length; query += cuda_tile_queries)
        tiles.push_back({.first_query = query, .text_begin = begin, .text_end = begin + length});
    }
    counts = {.tokens = start.back(),
              .texts = static_cast<uint32_t>(lengths.size()),
              .tiles = static_cast<uint32_t>(tiles.size())};
    tiles.push_back({.first_query = ~0U, .text_begin = ~0U, .text_end = ~0U});
  }
  std::vector<uint32_t> start = {0};
  std::vector<CudaTile> tiles;  // and one more, as a bucket has, which nothing may go by
  CudaBatchCounts counts{};
};

// The thread sanitizer sees in any order what is not ordered, and is slow.
#if defined(__SANITIZE_THREAD__)
inline constexpr simt::Order orders_to_run[] = {simt::Order::mixed};
#else
inline constexpr auto& orders_to_run = simt::all_orders;
#endif

// Runs `kernel`, which fills `out`, in every order of threads, and expects the same bits each time.
template <class Number>
void run_in_all_orders(std::vector<Number>& out, const std::function<int()>& kernel) {
  const std::vector<Number> before = out;
  std::vector<Number> first;
  for (const simt::Order order : orders_to_run) {
    out = before;
    simt::set_order(order);
    ASSERT_EQ(kernel(), 0) << simt::fault();
    if (first.empty()) first = out;
    ASSERT_EQ(out, first) << "order " << static_cast<int>(order);
  }
  simt::set_order(simt::Order::ascending);
}

class CudaKernel : public testing::TestWithParam<CudaFormat> {
 protected:
  CudaFormat format() const { return GetParam(); }
  float wide(uint16_t bits) const { return widen(format(), bits); }
  void expect_near(uint16_t bits, float expected) const {
    ASSERT_NEAR(wide(bits), expected, tolerance(format(), expected));
  }
  Random random_;
};

inline std::string format_name(const testing::TestParamInfo<CudaFormat>& info) {
  return info.param == cuda_bf16 ? "bf16" : "fp16";
}

}  // namespace hilo
