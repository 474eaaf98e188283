#include "backend/tensorrt/padded_batch.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "backend/cuda/driver.h"

namespace hilo {
namespace {

std::vector<uint32_t> starts_of(const std::vector<uint32_t>& lengths) {
  std::vector<uint32_t> starts{0};
  for (const uint32_t length : lengths) starts.push_back(starts.back() + length);
  return starts;
}

TEST(PaddedBatch, OrdersByLengthAndThenByPlace) {
  std::vector<uint32_t> order;
  order_by_length(starts_of({5, 2, 9, 2}), order);
  EXPECT_EQ(order, (std::vector<uint32_t>{1, 3, 0, 2}));
}

TEST(PaddedBatch, ATableIsWithinItsLimits) {
  const auto starts = starts_of({2, 3, 4, 30});
  const std::vector<uint32_t> order{0, 1, 2, 3};
  const auto next = [&](std::span<const uint32_t> left, PaddedLimits limits) {
    const TensorRtShape shape = next_table(starts, left, limits);
    return std::pair{shape.texts, shape.tokens};
  };
  const PaddedLimits roomy{.max = {10, 40}, .cells = 1000};
  EXPECT_EQ(next(order, roomy), (std::pair{4U, 30U}));
  EXPECT_EQ(next(order, {.max = {2, 40}, .cells = 1000}), (std::pair{2U, 3U}));
  EXPECT_EQ(next(order, {.max = {10, 40}, .cells = 12}), (std::pair{3U, 4U}));
  EXPECT_EQ(next(order, {.max = {10, 40}, .cells = 11}), (std::pair{2U, 3U}));
  // One text is computed whatever the limit of cells is.
  EXPECT_EQ(next(std::span{order}.subspan(3), {.max = {10, 40}, .cells = 8}), (std::pair{1U, 30U}));
}

TEST(PaddedBatch, NoTableIsLargerThanWhatIsMadeForIt) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    const PaddedLimits limits{.max = {1 + static_cast<uint32_t>(random() % 8), 40},
                              .cells = 1 + static_cast<uint32_t>(random() % 200)};
    std::vector<uint32_t> lengths(1 + random() % 20);
    for (uint32_t& length : lengths) length = 1 + static_cast<uint32_t>(random() % 40);
    const auto starts = starts_of(lengths);
    std::vector<uint32_t> order;
    order_by_length(starts, order);
    std::span<const uint32_t> left = order;
    while (!left.empty()) {
      const TensorRtShape shape = next_table(starts, left, limits);
      ASSERT_LE(shape.texts * shape.tokens, limits.cells_max());
      ASSERT_LE(shape.texts, std::min<size_t>(limits.max.texts, left.size()));
      for (const uint32_t text : left.first(shape.texts)) ASSERT_LE(lengths[text], shape.tokens);
      left = left.subspan(shape.texts);
    }
  }
}

TEST(PaddedBatch, WritesTables) {
  const std::vector<uint32_t> ids{7, 8, 9, 4, 5};
  const std::vector<uint8_t> types{0, 1, 1, 0, 1};
  const auto starts = starts_of({3, 2});
  const TokenBatch batch{.ids = ids, .types = types, .sequence_start = starts};
  const PaddedLayout layout(6);
  EXPECT_EQ(layout.mask, uint64_t{cuda_alignment});
  EXPECT_EQ(layout.bytes, 3 * uint64_t{cuda_alignment});
  std::vector<std::byte> memory(layout.bytes, std::byte{0xff});
  const auto table = [&](size_t offset) {
    const auto* numbers = reinterpret_cast<const uint16_t*>(memory.data() + offset);
    return std::vector<uint16_t>(numbers, numbers + 6);
  };
  const std::vector<uint32_t> shortest_first{1, 0};
  write_tables(batch, shortest_first, {.texts = 2, .tokens = 3}, /*padding_id=*/1, memory.data());
  EXPECT_EQ(table(layout.ids), (std::vector<uint16_t>{4, 5, 1, 7, 8, 9}));
  EXPECT_EQ(table(layout.mask), (std::vector<uint16_t>{1, 1, 0, 1, 1, 1}));
  EXPECT_EQ(table(layout.types), (std::vector<uint16_t>{0, 1, 0, 0, 1, 1}));
  write_tables({.ids = ids, .types = {}, .sequence_start = starts}, shortest_first,
               {.texts = 2, .tokens = 3}, 0, memory.data());
  EXPECT_EQ(table(layout.types), std::vector<uint16_t>(6, 0));
}

}  // namespace
}  // namespace hilo
