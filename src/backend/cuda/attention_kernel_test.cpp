// Attention on the GPU's kernel against plain loops and the CPU's scalar softmax; and what is seen
// of it where a barrier is missing.
#include <algorithm>
#include <cmath>
#include <optional>

#include "backend/cpu/aligned_array.h"
#include "backend/cpu/kernels.h"
#include "backend/cuda/kernels_test_support.h"

// The kernel once more, without its barriers.
extern "C" int attend_without_block_barriers(const CudaAttention*, CudaStream*);

namespace hilo {
namespace {

class CudaAttend : public CudaKernel {};
INSTANTIATE_TEST_SUITE_P(Formats, CudaAttend, testing::Values(cuda_bf16, cuda_fp16), format_name);

struct AttentionCase {
  std::vector<uint32_t> lengths;
  uint32_t heads;
  uint32_t head;
  bool distance_bias = false;
};

// Everything a run of the kernel reads and writes.
struct Data {
  Data(const AttentionCase& of, CudaFormat format_of)
      : shape(of),
        format(format_of),
        texts(of.lengths),
        width(of.heads * of.head),
        distances(*std::ranges::max_element(of.lengths)) {
    Random random;
    qkv = random.narrow_floats(format, size_t{texts.counts.tokens} * 3 * width);
    distance_bias = random.floats(size_t{of.heads} * (2 * distances - 1));
    context.assign(size_t{texts.counts.tokens} * width, 0xffff);
  }
  CudaAttention arguments() {
    return {.counts = &texts.counts,
            .tiles = texts.tiles.data(),
            .qkv = qkv.data(),
            .distance_bias = shape.distance_bias ? distance_bias.data() : nullptr,
            .context = context.data(),
            .rows = texts.counts.tokens,
            .tiles_max = texts.counts.tiles + 1,
            .heads = shape.heads,
            .head = shape.head,
            .distances = distances,
            .scale = scale(),
            .format = format};
  }
  float scale() const { return 1.0F / std::sqrt(static_cast<float>(shape.head)); }
  // Of queries (0), keys (1) or values (2).
  float number(uint32_t part, uint32_t token, uint32_t head, uint32_t i) const {
    return widen(format, qkv[size_t{token} * 3 * width + part * width + head * shape.head + i]);
  }

  AttentionCase shape;
  CudaFormat format;
  PackedTexts texts;
  uint32_t width;
  uint32_t distances;
  std::vector<uint16_t> qkv;
  std::vector<float> distance_bias;
  std::vector<uint16_t> context;
};

struct Expected {
  float number = 0.0F;
  float size = 0.0F;  // the same of the values' sizes
};

// One query's row of context for one head.
std::vector<Expected> expected_context(const Data& data, uint32_t text, uint32_t query,
                                       uint32_t head) {
  const uint32_t begin = data.texts.start[text];
  const uint32_t keys = data.texts.start[text + 1] - begin;
  std::vector<float> scores(round_up(keys, column_padding));
  for (uint32_t key = 0; key < keys; ++key) {
    for (uint32_t i = 0; i < data.shape.head; ++i)
      scores[key] += data.number(0, begin + query, head, i) * data.number(1, begin + key, head, i);
    scores[key] *= data.scale();
    if (data.shape.distance_bias)
      scores[key] += data.distance_bias[size_t{head} * (2 * data.distances - 1) + key +
                                        data.distances - 1 - query];
  }
  const float over_sum = scalar_kernels.exponentiate(scores.data(), keys, 1.0F);
  std::vector<Expected> context(data.shape.head);
  for (uint32_t key = 0; key < keys; ++key) {
    for (uint32_t i = 0; i < data.shape.head; ++i) {
      const float part = scores[key] * over_sum * data.number(2, begin + key, head, i);
      context[i].number += part;
      context[i].size += std::abs(part);
    }
  }
  return context;
}

// The largest difference from what is right, in tolerances. More than 1 is wrong. Powers are
// rounded to 16 bits before they are mixed, and the context once more.
float difference(const Data& data) {
  float largest = 0.0F;
  for (uint32_t text = 0; text < data.texts.counts.texts; ++text) {
    const uint32_t begin = data.texts.start[text];
    for (uint32_t query = 0; query < data.texts.start[text + 1] - begin; ++query) {
      for (uint32_t head = 0; head < data.shape.heads; ++head) {
        const std::vector<Expected> expected = expected_context(data, text, query, head);
        for (uint32_t i = 0; i < data.shape.head; ++i) {
          const size_t place = size_t{begin + query} * data.width + head * data.shape.head + i;
          const float number = widen(data.format, data.context[place]);
          const float allowed =
              tolerance(data.format, expected[i].number) + tolerance(data.format, expected[i].size);
          const float off = std::abs(number - expected[i].number) / allowed;
          largest = off <= largest ? largest : off;  // Also if it is no number.
          if (std::isnan(off)) return off;
        }
      }
    }
  }
  return largest;
}

// Head sizes of each instance, whole and cut; texts on both sides of tiles and chunks.
TEST_P(CudaAttend, AttendMatchesTheScalarSoftmax) {
  const AttentionCase cases[] = {{{1, 2, 16, 17, 64}, 2, 32},
                                 {{5, 65}, 1, 64},
                                 {{1, 33}, 1, 128},
                                 {{9, 3}, 3, 8},
                                 {{20}, 2, 40},
                                 {{34}, 1, 96, true},
                                 {{1, 130}, 1, 32, true}};
  for (const AttentionCase& of : cases) {
    SCOPED_TRACE(testing::Message() << "head " << of.head);
    Data data(of, format());
    run_in_all_orders(data.context, [&] {
      const CudaAttention arguments = data.arguments();
      return cuda_attend(&arguments, nullptr);
    });
    ASSERT_LE(difference(data), 1.0F);
  }
}

// Goal: a text's bits do not depend on what shares the batch. Method: alone, and behind others that
// shift it by less than a tile.
TEST_P(CudaAttend, AttendDoesNotDependOnTheBatch) {
  Data together({{3, 70, 7}, 2, 32}, format());
  const CudaAttention all = together.arguments();
  ASSERT_EQ(cuda_attend(&all, nullptr), 0);
  Data alone({{70}, 2, 32}, format());
  std::copy_n(together.qkv.begin() + 3 * 3 * together.width, alone.qkv.size(), alone.qkv.begin());
  const CudaAttention one = alone.arguments();
  ASSERT_EQ(cuda_attend(&one, nullptr), 0);
  EXPECT_TRUE(std::equal(alone.context.begin(), alone.context.end(),
                         together.context.begin() + 3 * together.width));
}

// Scores of any size: the largest is taken off before they are raised.
TEST_P(CudaAttend, AttendStandsLargeScores) {
  Data data({{40}, 1, 32}, format());
  for (size_t i = 0; i < data.qkv.size(); ++i)
    if (i / data.width % 3 < 2)
      data.qkv[i] = narrow(format(), 40.0F * widen(format(), data.qkv[i]));
  const CudaAttention arguments = data.arguments();
  ASSERT_EQ(cuda_attend(&arguments, nullptr), 0);
  EXPECT_LE(difference(data), 20.0F);  // fp32 scores of 50,000 are off by 0.004.
}

#if !defined(__SANITIZE_THREAD__)  // which ends the program over these.
using Attend = decltype(&cuda_attend);

float difference_without(Attend attend, simt::Order order) {
  Data data({{70}, 1, 32}, cuda_fp16);
  const CudaAttention arguments = data.arguments();
  simt::set_order(order);
  EXPECT_EQ(attend(&arguments, nullptr), 0) << simt::fault();
  simt::set_order(simt::Order::ascending);
  return difference(data);
}

bool shows_in_some_order(Attend attend) {
  return std::ranges::any_of(simt::all_orders, [&](simt::Order order) {
    return !(difference_without(attend, order) <= 1.0F);
  });
}

TEST(CudaAttendMutants, ShowsWhereBarriersAreMissing) {
  EXPECT_FALSE(shows_in_some_order(cuda_attend));
  EXPECT_TRUE(shows_in_some_order(attend_without_block_barriers));
}
#endif

}  // namespace
}  // namespace hilo
