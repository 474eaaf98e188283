// Texts that were made to hurt. Each is so long that a cost which grows with the square of the
// length would not end before the test's timeout.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_cases.h"

namespace hilo {
namespace {

constexpr size_t million = 1'000'000;

std::string repeated(std::string_view part, size_t bytes) {
  std::string text;
  text.reserve(bytes + part.size());
  while (text.size() < bytes) text += part;
  return text;
}

std::vector<uint32_t> encode(const Tokenizer& tokenizer, std::string_view text,
                             bool match_special_tokens = true) {
  TokenizerScratch scratch;
  std::vector<uint32_t> ids(text.size() + 2);
  std::vector<TokenOffsets> offsets(ids.size());
  const EncodeOptions options{.add_special_tokens = false,
                              .match_special_tokens = match_special_tokens};
  ids.resize(tokenizer.encode(text, options, scratch, ids).tokens);
  // With offsets it goes another way, which must not be longer.
  std::vector<uint32_t> again(offsets.size());
  again.resize(tokenizer.encode(text, options, scratch, again, {}, offsets).tokens);
  EXPECT_EQ(again, ids);
  return ids;
}

std::vector<uint32_t> encode(std::string_view text) {
  return encode(Tokenizer::bert_base_uncased(), text);
}

const std::vector<uint32_t> unknown = {100};

TEST(Abuse, AWordOfAMegabyteIsUnknown) {
  EXPECT_EQ(encode(std::string(million, 'a')), unknown);
  EXPECT_EQ(encode(repeated("\u00e9", million)), unknown);
}

TEST(Abuse, TenMegabytesOfAccentsAreNothingOrUnknown) {
  const std::string accents = repeated("\u0301\u0316", 10 * million);
  EXPECT_TRUE(encode(accents).empty());
  const Tokenizer cased = Tokenizer::from_description(cases::bert_description(3)).value();
  EXPECT_EQ(encode(cased, accents), unknown);
}

TEST(Abuse, MarksThatMoveAreUnknown) {
  EXPECT_EQ(encode("a" + repeated("\u302e\U0001d165", million)), unknown);
}

TEST(Abuse, HangulWithoutSpacesIsUnknown) {
  EXPECT_EQ(encode(repeated("\ud55c", million)), unknown);
}

TEST(Abuse, ControlBytesAreNothing) {
  EXPECT_TRUE(encode(std::string(million, '\x01')).empty());
  EXPECT_EQ(encode("a" + std::string(million, '\0') + "b"), encode("ab"));
}

TEST(Abuse, SpecialTokensInTextAreTheirIdsOrPlainText) {
  const std::string text = repeated("[SEP]", million);
  EXPECT_EQ(encode(text), std::vector<uint32_t>(million / 5, 102));
  EXPECT_EQ(encode(Tokenizer::bert_base_uncased(), text, false).size(), million / 5 * 3);
  EXPECT_EQ(encode(std::string(million, '[')).size(), million);
}

// Goal: a sequence that is cut after any of its bytes, in any neighbourhood, reads as U+FFFD.
TEST(Abuse, SequencesCutAnywhereAreReplaced) {
  const Tokenizer keeps = Tokenizer::from_description(cases::alphabet_description(14)).value();
  for (const std::string_view whole : {"\u00e9", "\u0939", "\ud55c", "\ufffd", "\U0001d165"}) {
    for (size_t kept = 1; kept < whole.size(); ++kept) {
      const std::string part(whole.substr(0, kept));
      for (const auto& [before, after] :
           {std::pair{"", ""}, {"a", "b"}, {" ", " "}, {"\u00e9", "\u00e9"}, {"!", "["}}) {
        EXPECT_EQ(encode(keeps, before + part + after),
                  encode(keeps, before + std::string("\ufffd") + after));
      }
    }
  }
}

}  // namespace
}  // namespace hilo
