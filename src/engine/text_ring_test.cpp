#include "engine/text_ring.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace hilo {
namespace {

// A ring in memory of its own.
struct SmallRing {
  std::array<char, 1000> memory;
  TextRing ring{memory};
};

// Fails if two blocks overlap, a text wraps or is damaged, or space is lost: a thousand texts of
// random length pass through a small ring and come back in random order.
TEST(TextRing, TextsStayWholeInWhateverOrderTheyComeBack) {
  SmallRing small;
  TextRing& ring = small.ring;
  std::mt19937 random{7};
  struct Held {
    TextRing::Block block;
    std::string text;
  };
  std::vector<Held> held;
  uint32_t taken = 0;
  while (taken < 1000) {
    const std::string text(random() % 300, static_cast<char>('a' + taken % 26));
    if (const auto block = ring.take(text.size())) {
      std::copy(text.begin(), text.end(), block->text.begin());
      held.push_back({*block, text});
      ++taken;
      continue;
    }
    ASSERT_FALSE(held.empty()) << "an empty ring has room for every text";
    const size_t chosen = random() % held.size();
    const Held back = held[chosen];
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(chosen));
    ASSERT_EQ(std::string(back.block.text.begin(), back.block.text.end()), back.text);
    ring.give_back(back.block.id);
  }
}

// Fails if an empty ring wanders through its memory instead of staying on warm pages.
TEST(TextRing, AnEmptyRingStartsAgainAtItsBegin) {
  SmallRing small;
  TextRing& ring = small.ring;
  const auto first = ring.take(400);
  ring.give_back(first->id);
  const auto second = ring.take(700);
  EXPECT_EQ(first->text.data(), second->text.data());
}

TEST(TextRing, HoldsExactlyItsCapacity) {
  SmallRing small;
  TextRing& ring = small.ring;
  const auto all = ring.take(1000);
  ASSERT_TRUE(all);
  EXPECT_FALSE(ring.take(1));
  EXPECT_TRUE(ring.take(0));
  ring.give_back(all->id);
  EXPECT_TRUE(ring.take(1000));
}

TEST(TextRing, EmptyTextsAreBoundedToo) {
  SmallRing small;
  TextRing& ring = small.ring;
  for (uint32_t i = 0; i < TextRing::blocks_max; ++i) ASSERT_TRUE(ring.take(0));
  EXPECT_FALSE(ring.take(0));
}

TEST(TextRingDeathTest, GivingBackTwiceIsABrokenRule) {
  SmallRing small;
  TextRing& ring = small.ring;
  const auto older = ring.take(1);
  const auto newer = ring.take(1);
  ring.give_back(newer->id);
  EXPECT_DEATH(ring.give_back(newer->id), "broken rule");
  ring.give_back(older->id);
  EXPECT_DEATH(ring.give_back(older->id), "broken rule");
}

}  // namespace
}  // namespace hilo
