// Texts that were made to hurt, for Unigram and byte-level BPE: each is so long that a cost which
// grows with the square of the length would not end before the test's timeout.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_cases.h"

namespace hilo {
namespace {

std::string repeated(std::string_view part, size_t bytes = 300'000) {
  std::string text;
  text.reserve(bytes + part.size());
  while (text.size() < bytes) text += part;
  return text;
}

Tokenizer tokenizer_of(const char* name) {
  const std::string path = fmt::format("tests/golden/subwords/{}.json", name);
  return Tokenizer::from_description(
             describe_tokenizer_json(cases::read_source_file(path), path).value())
      .value();
}

class SubwordAbuse : public testing::TestWithParam<const char*> {
 protected:
  const Tokenizer tokenizer_ = tokenizer_of(GetParam());

  std::vector<uint32_t> encode(std::string_view text, bool match_special_tokens = true) {
    const EncodeOptions options{.add_special_tokens = false,
                                .match_special_tokens = match_special_tokens};
    std::vector<uint32_t> ids = encode(text, options, {});
    std::vector<TokenOffsets> offsets(ids.size());
    // With offsets it goes another way, which must not be longer.
    EXPECT_EQ(encode(text, options, offsets), ids);
    for (const TokenOffsets token : offsets) {
      if (token.begin > token.end || token.end > text.size()) {
        ADD_FAILURE() << token.begin << " to " << token.end;
        break;
      }
    }
    return ids;
  }

  std::vector<uint32_t> encode(std::string_view text, const EncodeOptions& options,
                               std::span<TokenOffsets> offsets) {
    std::vector<uint32_t> ids;
    const Encoding encoding =
        encode_all(text.size() + 4, static_cast<uint32_t>(offsets.size()), [&](size_t room) {
          ids.resize(offsets.empty() ? room : offsets.size());
          return tokenizer_.encode(text, options, scratch_, ids, {}, offsets);
        });
    ids.resize(encoding.tokens);
    return ids;
  }

  TokenizerScratch scratch_;
};

TEST_P(SubwordAbuse, LongWordsBecomePieces) {
  for (const std::string_view part :
       {"a", "ab", "\u00e9", "\u0301", "\u0301\u0316", "\u302e\U0001d165", "\u4e2d", "\ud55c",
        "\u1100\u1161\u11a8", "\u2581", " ", "\u094d\u0915", "\ufdfa"}) {
    EXPECT_GT(encode("x" + repeated(part)).size(), 0U) << part;
  }
}

TEST_P(SubwordAbuse, ControlBytesAreSoonOver) {
  encode(repeated(std::string_view("\x01", 1)));
  encode(repeated(std::string_view("a\0", 2)));
}

TEST_P(SubwordAbuse, SpecialTokensInTextAreTheirIdsOrPlainText) {
  const std::string_view token = tokenizer_.piece(0);
  const std::string text = repeated(token, 100'000);
  EXPECT_EQ(encode(text), std::vector<uint32_t>(text.size() / token.size(), 0));
  EXPECT_GT(encode(text, false).size(), text.size() / token.size());
  EXPECT_GT(encode(repeated("<")).size(), 0U);
}

// Goal: a sequence that is cut after any of its bytes, in any neighbourhood, reads as U+FFFD.
TEST_P(SubwordAbuse, SequencesCutAnywhereAreReplaced) {
  for (const std::string_view whole : {"\u00e9", "\u0939", "\ud55c", "\ufffd", "\U0001d165"}) {
    for (size_t kept = 1; kept < whole.size(); ++kept) {
      const std::string part(whole.substr(0, kept));
      for (const auto& [before, after] :
           {std::pair{"", ""}, {"a", "b"}, {" ", " "}, {"\u00e9", "\u00e9"}, {"!", "["}}) {
        EXPECT_EQ(encode(before + part + after), encode(before + std::string("\ufffd") + after));
      }
    }
  }
  EXPECT_EQ(encode(repeated("\xff", 100'000)), encode(repeated("\ufffd", 300'000)));
}

INSTANTIATE_TEST_SUITE_P(Families, SubwordAbuse,
                         testing::Values("xlm_roberta", "byte_fallback", "roberta", "qwen2",
                                         "llama3"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace hilo
