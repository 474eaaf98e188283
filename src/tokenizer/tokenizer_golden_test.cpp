// The ids of the reference, as hashes: tools/golden_tokenizer.py made them. When one differs,
// tests/oracle/tokenizer_oracle_test.py shows the text.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tokenizer/ids_hash.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_cases.h"

namespace hilo {
namespace {

using Json = nlohmann::json;

const Json& golden() {
  static const Json hashes =
      Json::parse(cases::read_source_file("tests/golden/tokenizer_hashes.json"));
  return hashes;
}

class Encoder {
 public:
  explicit Encoder(const TokenizerDescription& description)
      : tokenizer_(Tokenizer::from_description(description).value()) {}

  std::string hash_of(const std::vector<std::string>& texts) {
    cases::IdsHash hash;
    for (const std::string& text : texts) {
      hash.add(written(tokenizer_.encode(text, {}, scratch_, ids_)));
    }
    return hash.text();
  }

  void compare_texts(uint64_t seed, const Json& expected) {
    cases::TextMaker maker(seed);
    for (size_t batch = 0; batch < expected.size(); ++batch) {
      std::vector<std::string> texts(cases::batch_texts);
      for (std::string& text : texts) text = maker.text();
      EXPECT_EQ(hash_of(texts), expected[batch].get<std::string>())
          << "batch " << batch << " of seed " << seed;
    }
  }

  void add_truncated(cases::IdsHash& hash, std::string_view first, const std::string* second,
                     const EncodeOptions& options) {
    const Encoding encoding =
        second == nullptr
            ? tokenizer_.encode(first, options, scratch_, ids_, types_)
            : tokenizer_.encode_pair({first, *second}, options, scratch_, ids_, types_);
    hash.add(written(encoding));
    hash.add(std::span(types_).first(encoding.tokens));
  }

 private:
  std::span<const uint32_t> written(const Encoding& encoding) const {
    return std::span(ids_).first(encoding.tokens);
  }

  Tokenizer tokenizer_;
  TokenizerScratch scratch_;
  std::vector<uint32_t> ids_ = std::vector<uint32_t>(8192);
  std::vector<uint8_t> types_ = std::vector<uint8_t>(8192);
};

void compare_all_blocks(const char* name, std::string_view before, std::string_view after) {
  Encoder encoder(cases::bert_description());
  const Json& expected = golden()[name];
  ASSERT_EQ(expected.size(), cases::code_points / cases::block_characters);
  for (uint32_t block = 0; block < expected.size(); ++block) {
    EXPECT_EQ(encoder.hash_of(cases::block_texts(block, before, after)),
              expected[block].get<std::string>())
        << fmt::format("code points from U+{:04X} on", block * cases::block_characters);
  }
}

TEST(TokenizerGolden, EveryCodePointAlone) { compare_all_blocks("code_points_alone", "", ""); }

TEST(TokenizerGolden, EveryCodePointInAWord) {
  compare_all_blocks("code_points_in_word", "a", "b");
}

TEST(TokenizerGolden, FiftyThousandAdversarialTexts) {
  ASSERT_EQ(golden()["texts"].size() * cases::batch_texts, 50'000U);
  Encoder(cases::bert_description()).compare_texts(1, golden()["texts"]);
}

TEST(TokenizerGolden, Cased) {
  Encoder(cases::bert_description(3)).compare_texts(30, golden()["cased_texts"]);
}

TEST(TokenizerGolden, AddedTokensOfAllKinds) {
  Encoder(cases::added_tokens_description()).compare_texts(20, golden()["added_tokens_texts"]);
}

// Goal: single texts and pairs keep what the reference keeps, at every length, ids and types.
void compare_truncation(const char* name, bool truncate_left) {
  Encoder encoder(cases::bert_description());
  cases::TextMaker maker(21);
  std::vector<std::string> texts(100);
  for (std::string& text : texts) text = maker.text();
  const Json& expected = golden()[name];
  ASSERT_EQ(expected.size(), 57U);
  for (uint32_t index = 0; index < expected.size(); ++index) {
    const EncodeOptions options{.tokens_max = index + 3, .truncate_left = truncate_left};
    cases::IdsHash hash;
    for (size_t at = 0; at + 1 < texts.size(); ++at) {
      encoder.add_truncated(hash, texts[at], nullptr, options);
      encoder.add_truncated(hash, texts[at], &texts[at + 1], options);
    }
    EXPECT_EQ(hash.text(), expected[index].get<std::string>())
        << "tokens_max " << options.tokens_max;
  }
}

TEST(TokenizerGolden, TruncationFromTheRight) { compare_truncation("truncation_right", false); }

TEST(TokenizerGolden, TruncationFromTheLeft) { compare_truncation("truncation_left", true); }

// Goal: the normalizer is exact under each combination of its flags.
// Method: a vocabulary of nearly every character, so that no mistake hides in [UNK]; its ids are
// wide, which the stock vocabulary's are not.
class TokenizerGoldenFlags : public testing::TestWithParam<uint32_t> {};

TEST_P(TokenizerGoldenFlags, CodePointsAndTexts) {
  Encoder encoder(cases::alphabet_description(GetParam()));
  const Json& expected = golden()["flags"][GetParam()];
  encoder.compare_texts(2 + GetParam(), expected["texts"]);
  ASSERT_EQ(expected["code_points"].size(), 34U);
  for (uint32_t index = 0; index < 34; ++index) {
    const uint32_t block = index < 32 ? index : (index == 32 ? 0x2F : 0xE0);
    EXPECT_EQ(encoder.hash_of(cases::block_texts(block, "a", "b")),
              expected["code_points"][index].get<std::string>())
        << fmt::format("code points from U+{:04X} on", block * cases::block_characters);
  }
}

INSTANTIATE_TEST_SUITE_P(All, TokenizerGoldenFlags, testing::Range(0U, 16U));

}  // namespace
}  // namespace hilo
