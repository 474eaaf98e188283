#include "tokenizer/tokenizer.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "tokenizer/reference_tokenizer.h"
#include "tokenizer/tokenizer_cases.h"

namespace hilo {
namespace {

using testing::ElementsAre;

std::vector<uint32_t> encode(const Tokenizer& tokenizer, std::string_view text,
                             const EncodeOptions& options = {}) {
  static TokenizerScratch scratch;  // Making one takes longer than most texts.
  std::vector<uint32_t> ids(text.size() + 8);
  ids.resize(tokenizer.encode(text, options, scratch, ids).tokens);
  return ids;
}

std::vector<std::string> pieces(std::string_view text) {
  const Tokenizer& bert = Tokenizer::bert_base_uncased();
  std::vector<std::string> made;
  for (const uint32_t id : encode(bert, text, {.add_special_tokens = false})) {
    made.emplace_back(bert.piece(id));
  }
  return made;
}

TEST(Tokenizer, SplitsWordsIntoLongestPieces) {
  EXPECT_THAT(pieces("Unaffable embeddings!"),
              ElementsAre("una", "##ffa", "##ble", "em", "##bed", "##ding", "##s", "!"));
  EXPECT_THAT(pieces("##ing"), ElementsAre("#", "#", "ing"));
  EXPECT_THAT(encode(Tokenizer::bert_base_uncased(), ""), ElementsAre(101, 102));
  EXPECT_THAT(pieces(std::string_view("a\0b", 3)), ElementsAre("ab"));
}

TEST(Tokenizer, WordsOfMoreThanAHundredCharactersAreUnknown) {
  EXPECT_NE(pieces(std::string(100, 'a')).front(), "[UNK]");
  EXPECT_THAT(pieces(std::string(101, 'a')), ElementsAre("[UNK]"));
  std::string wide;  // 100 characters of two bytes
  for (int i = 0; i < 100; ++i) wide += "\u03b1";
  EXPECT_EQ(pieces(wide).size(), 100U);
  EXPECT_THAT(pieces(wide + "\u03b1"), ElementsAre("[UNK]"));
}

// Fails if a text's cost is the square of its length: it takes seconds then, and milliseconds else.
// Of these two marks, each second one goes before all first ones of its word.
TEST(Tokenizer, AWordOfMarksThatMoveIsSoonOver) {
  std::string text = "a";
  while (text.size() < 128 * 1024 - 7) text += "\u302e\U0001d165";
  const Nanoseconds before = thread_time();
  EXPECT_THAT(pieces(text), ElementsAre("[UNK]"));
  EXPECT_LT(thread_time() - before, second_ns);
}

TEST(Tokenizer, SpecialTokensInTextAreMatchedUnlessToldOtherwise) {
  const Tokenizer& bert = Tokenizer::bert_base_uncased();
  EXPECT_THAT(encode(bert, "a[SEP]b"), ElementsAre(101, 1037, 102, 1038, 102));
  EXPECT_THAT(pieces("a[sep]b"), ElementsAre("a", "[", "sep", "]", "b"));
  EXPECT_EQ(encode(bert, "a[SEP]b", {.match_special_tokens = false}), encode(bert, "a[sep]b"));
}

TEST(Tokenizer, TruncationKeepsTheSpecialTokens) {
  const Tokenizer& bert = Tokenizer::bert_base_uncased();
  TokenizerScratch scratch;
  std::vector<uint32_t> ids(16);
  const Encoding all = bert.encode("one two three", {.tokens_max = 5}, scratch, ids);
  EXPECT_EQ(all.tokens, 5U);
  EXPECT_FALSE(all.truncated);
  const Encoding cut = bert.encode("one two three", {.tokens_max = 4}, scratch, ids);
  EXPECT_TRUE(cut.truncated);
  EXPECT_THAT(std::span(ids).first(cut.tokens), ElementsAre(101, 2028, 2048, 102));
  bert.encode("one two three", {.tokens_max = 4, .truncate_left = true}, scratch, ids);
  EXPECT_THAT(std::span(ids).first(4), ElementsAre(101, 2048, 2093, 102));
  // Room alone limits as well.
  EXPECT_TRUE(bert.encode("one two three", {}, scratch, std::span(ids).first(2)).truncated);
  EXPECT_DEATH(bert.encode("a", {.tokens_max = 1}, scratch, ids), "broken rule");
}

TEST(Tokenizer, PairsCarryTypes) {
  const Tokenizer& bert = Tokenizer::bert_base_uncased();
  TokenizerScratch scratch;
  std::vector<uint32_t> ids(16);
  std::vector<uint8_t> types(16);
  const Encoding pair = bert.encode_pair({"one", "two"}, {}, scratch, ids, types);
  EXPECT_THAT(std::span(ids).first(pair.tokens), ElementsAre(101, 2028, 102, 2048, 102));
  EXPECT_THAT(std::span(types).first(pair.tokens), ElementsAre(0, 0, 0, 1, 1));
}

TEST(Tokenizer, PiecesAndIds) {
  const Tokenizer& bert = Tokenizer::bert_base_uncased();
  EXPECT_EQ(bert.vocabulary_size(), 30522U);
  EXPECT_EQ(bert.piece(102), "[SEP]");
  EXPECT_EQ(bert.piece(30522), "");
  EXPECT_EQ(bert.id_of("##ing"), 2075U);
  EXPECT_EQ(bert.id_of("no such piece"), std::nullopt);
  EXPECT_EQ(bert.id_of(""), std::nullopt);
}

TEST(Tokenizer, TheBuiltInOneIsWhatItsVocabularyCompilesTo) {
  const Tokenizer compiled = Tokenizer::from_description(cases::bert_description()).value();
  cases::TextMaker maker(40);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = maker.text();
    ASSERT_EQ(encode(compiled, text), encode(Tokenizer::bert_base_uncased(), text));
  }
}

// Goal: invalid bytes read as U+FFFD, one for each maximal invalid part, wherever they are.
TEST(Tokenizer, InvalidUtf8ReadsAsReplacementCharacters) {
  const Tokenizer keeps = Tokenizer::from_description(cases::alphabet_description(14)).value();
  cases::TextMaker maker(41);
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = maker.text() + "x";
    for (uint32_t hits = 1 + maker.below(4); hits > 0; --hits) {
      const uint32_t place = maker.below(static_cast<uint32_t>(damaged.size()));
      damaged[place] = static_cast<char>(maker.below(256));
    }
    std::string replaced;
    for (std::string_view rest = damaged; !rest.empty();) {
      const DecodedCharacter decoded = decode_first(rest);
      replaced += encode_character(decoded.code_point).view();
      rest.remove_prefix(decoded.bytes);
    }
    ASSERT_EQ(encode(keeps, damaged), encode(keeps, replaced));
    ASSERT_EQ(encode(Tokenizer::bert_base_uncased(), damaged),
              encode(Tokenizer::bert_base_uncased(), replaced));
  }
}

TEST(Tokenizer, AgreesWithThePlainOne) {
  for (const uint32_t flags : {15U, 3U, 4U, 12U}) {
    const TokenizerDescription description = cases::alphabet_description(flags);
    const Tokenizer fast = Tokenizer::from_description(description).value();
    const ReferenceTokenizer plain(description);
    cases::TextMaker maker(42 + flags);
    for (int i = 0; i < 300; ++i) {
      const std::string text = maker.text();
      ASSERT_EQ(encode(fast, text, {.add_special_tokens = false, .match_special_tokens = false}),
                plain.encode(text))
          << text;
    }
  }
}

}  // namespace
}  // namespace hilo
