#include "tokenizer/rewriter.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer/utf8.h"

namespace hilo {
namespace {

using testing::ElementsAre;

class RewriterOf : public testing::Test {
 protected:
  // Two bytes each, so that places are those of characters.
  const std::string text_ = "\u00e1\u00e2\u00e3";
  AlignedBuffer from_;
  AlignedBuffer to_;
  Rewriter rewriter_{to_valid_utf8(text_, true, from_), to_};

  // Where each character that was written comes from, as the number of the old one.
  std::vector<uint32_t> sources() const {
    std::vector<uint32_t> numbers;
    for (size_t at = 0; at < to_.text.size(); at += decode_first(to_.text.substr(at)).bytes) {
      numbers.push_back(to_.sources[at].begin / 2);
    }
    return numbers;
  }
};

TEST_F(RewriterOf, WhatStaysHasItsOwnPlace) {
  rewriter_.keep("\u00e1\u00e2\u00e3");
  EXPECT_EQ(to_.text, text_);
  EXPECT_EQ(to_.sources, from_.sources);
}

TEST_F(RewriterOf, OneForSeveralHasThePlaceOfTheFirst) {
  rewriter_.put("x", -1);
  rewriter_.put("y", 0);
  EXPECT_EQ(to_.text, "xy");
  EXPECT_THAT(sources(), ElementsAre(0, 2));
}

TEST_F(RewriterOf, OneForNoneHasThePlaceOfTheLast) {
  rewriter_.put("x", 0);
  rewriter_.insert("yz");
  rewriter_.put("v", 0);
  EXPECT_THAT(sources(), ElementsAre(0, 0, 0, 1));
}

TEST_F(RewriterOf, WhatGoesLeavesAGap) {
  rewriter_.remove("\u00e1");
  rewriter_.put("x", 0);
  rewriter_.remove("\u00e3");
  EXPECT_THAT(sources(), ElementsAre(1));
}

TEST_F(RewriterOf, WhatComesBeforeHasThePlaceOfTheFirst) {
  EXPECT_EQ(rewriter_.prepend("xy"), 2U);
  rewriter_.keep(std::string_view(text_).substr(2));
  EXPECT_EQ(to_.text, "xy" + text_);
  EXPECT_THAT(sources(), ElementsAre(0, 0, 0, 1, 2));
}

// As the reference's Precompiled counts: of more the rest is new, of fewer the rest is gone.
TEST_F(RewriterOf, TextsOfOtherLengthsTakeTurns) {
  rewriter_.rewrite("\u00e1", "xyz");
  rewriter_.rewrite("\u00e2\u00e3", "v");
  EXPECT_EQ(to_.text, "xyzv");
  EXPECT_THAT(sources(), ElementsAre(0, 0, 0, 1));
}

TEST_F(RewriterOf, ADeletionAtTheStartIsForgotten) {
  rewriter_.rewrite("\u00e1", "");
  rewriter_.keep("\u00e2");
  rewriter_.rewrite("\u00e3", "x");
  EXPECT_EQ(to_.text, "\u00e2x");
  EXPECT_THAT(sources(), ElementsAre(0, 1));
}

TEST_F(RewriterOf, ADeletionAfterANewCharacterMovesThat) {
  rewriter_.rewrite("\u00e1", "xy");
  rewriter_.rewrite("\u00e2", "");
  rewriter_.rewrite("\u00e3", "z");
  EXPECT_THAT(sources(), ElementsAre(0, 1, 2));
}

TEST(Rewriter, WritesTheSameWhereNobodyAsks) {
  AlignedBuffer to;
  Rewriter rewriter({"abc"}, to);
  rewriter.rewrite("a", "xy");
  rewriter.remove("b");
  rewriter.put("c", 0);
  rewriter.insert("d");
  EXPECT_EQ(to.text, "xycd");
  EXPECT_EQ(to.view().sources, nullptr);
}

}  // namespace
}  // namespace hilo
