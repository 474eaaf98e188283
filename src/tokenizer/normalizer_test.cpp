#include "tokenizer/normalizer.h"

#include <string>

#include <gtest/gtest.h>

namespace hilo {
namespace {

constexpr NormalizerOptions uncased = {true, true, true, true};
constexpr NormalizerOptions cased = {true, true, false, false};

std::string normalize(std::string_view text, NormalizerOptions options) {
  NormalizedText normalized;
  normalized.reserve_for(text.size());
  Normalizer(options).normalize(text, normalized);
  return std::string(normalized.view());
}

TEST(Normalizer, AccentsAndCaseGo) {
  EXPECT_EQ(normalize("R\u00c9SUM\u00c9 \u00c5ngstr\u00f6m", uncased), "resume angstrom");
  EXPECT_EQ(normalize("R\u00c9SUM\u00c9", cased), "R\u00c9SUM\u00c9");
  EXPECT_EQ(normalize("\u00c9", {.lowercase = true}), "\u00e9");
  EXPECT_EQ(normalize("\u00c9", {.strip_accents = true}), "E");
}

TEST(Normalizer, DottedCapitalIDependsOnTheAccents) {
  EXPECT_EQ(normalize("\u0130", {.lowercase = true}), "i\u0307");
  EXPECT_EQ(normalize("\u0130", uncased), "i");
}

TEST(Normalizer, NoFinalSigmaRule) {
  EXPECT_EQ(normalize("\u039f\u0394\u039f\u03a3", uncased), "\u03bf\u03b4\u03bf\u03c3");
}

// Unassigned code points and those younger than Unicode 8 are kept, as the reference does.
TEST(Normalizer, CleanTextDeletesWhatTheReferenceDeletes) {
  EXPECT_EQ(normalize("a\u200db\u00adc\ufeffd\x01"
                      "e\ufffd",
                      uncased),
            "abcde");
  EXPECT_EQ(normalize("a\tb\u3000c\u00a0d", uncased), "a b c d");
  EXPECT_EQ(normalize("a\u0378", uncased), "a\u0378");
  EXPECT_EQ(normalize("a\x01", {.lowercase = true}), "a\x01");
}

TEST(Normalizer, IdeographsStandAloneExceptInTheHole) {
  EXPECT_EQ(normalize("a\u4e2db", uncased), "a \u4e2d b");
  EXPECT_EQ(normalize("a\u4e2db", {.lowercase = true}), "a\u4e2db");
  EXPECT_EQ(normalize("a\U0002b820b", uncased), "a\U0002b820b");
}

TEST(Normalizer, HangulComesApart) {
  EXPECT_EQ(normalize("\ud55c\uac00", uncased), "\u1112\u1161\u11ab\u1100\u1161");
  EXPECT_EQ(normalize("\ud55c", cased), "\ud55c");
}

// U+302E (class 224) and U+1D165 (class 216) are marks that stay. Unicode orders them by class, but
// never across a letter or across a mark of class 0, be it one that is stripped (U+0941).
TEST(Normalizer, MarksThatStayAreInCanonicalOrder) {
  EXPECT_EQ(normalize("a\u302e\U0001d165", uncased), "a\U0001d165\u302e");
  EXPECT_EQ(normalize("a\u302e\u0301\U0001d165", uncased), "a\U0001d165\u302e");
  EXPECT_EQ(normalize("a\u302eb\U0001d165", uncased), "a\u302eb\U0001d165");
  EXPECT_EQ(normalize("a\u302e\u0941\U0001d165", uncased), "a\u302e\U0001d165");
  EXPECT_EQ(normalize("a\u302e\U0001d165", cased), "a\u302e\U0001d165");
}

TEST(Normalizer, SomeSymbolsBecomePunctuation) {
  const Normalizer normalizer(uncased);
  EXPECT_EQ(normalizer.rule_of(0x1FEF).kind, CharacterKind::alone);
  EXPECT_EQ(normalize("\u1fef", uncased), "`");
  EXPECT_EQ(Normalizer(cased).rule_of(0x1FEF).kind, CharacterKind::word);
}

// Goal: the room that NormalizedText reserves is always enough.
TEST(Normalizer, NoCharacterGrowsMoreThanPromised) {
  for (const NormalizerOptions options : {uncased, cased, NormalizerOptions{.lowercase = true}}) {
    const Normalizer normalizer(options);
    NormalizedText normalized;
    normalized.reserve(normalized_bytes_max);
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
      const size_t bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
      normalized.clear();
      normalized.append(normalizer.rule_of(c), c);
      ASSERT_LE(normalized.view().size(), bytes * normalized_growth_max) << uint32_t{c};
    }
  }
}

}  // namespace
}  // namespace hilo
