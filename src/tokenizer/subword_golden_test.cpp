// What the reference makes with Unigram and byte-level BPE (ids, offsets, decoded texts), as
// hashes: tools/golden_subwords.py made them and the small tokenizers. When one differs,
// tests/oracle/subword_oracle_test.py shows the text.
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
      Json::parse(cases::read_source_file("tests/golden/subwords/hashes.json"));
  return hashes;
}

class SubwordGolden : public testing::TestWithParam<const char*> {
 protected:
  Tokenizer tokenizer_ =
      Tokenizer::from_description(
          describe_tokenizer_json(
              cases::read_source_file(fmt::format("tests/golden/subwords/{}.json", GetParam())),
              GetParam())
              .value())
          .value();
  const Json& expected_ = golden()[GetParam()];

  std::vector<uint32_t> encode(std::string_view text, EncodeOptions options = {}) {
    const Encoding encoding = encode_all(text.size() + 4, options.tokens_max, [&](size_t room) {
      ids_.resize(room);
      return tokenizer_.encode(text, options, scratch_, ids_);
    });
    return {ids_.begin(), ids_.begin() + encoding.tokens};
  }

  std::vector<TokenOffsets> offsets_of_text(std::string_view text, OffsetUnit unit) {
    std::vector<TokenOffsets> offsets;
    const EncodeOptions options{.offset_unit = unit};
    const Encoding encoding = encode_all(text.size() + 4, 0, [&](size_t room) {
      ids_.resize(room);
      offsets.resize(room);
      return tokenizer_.encode(text, options, scratch_, ids_, {}, offsets);
    });
    offsets.resize(encoding.tokens);
    return offsets;
  }

  std::string hash_of(const std::vector<std::string>& texts) {
    cases::IdsHash hash;
    for (const std::string& text : texts) hash.add(encode(text));
    return hash.text();
  }

  void compare_blocks(const char* name, std::string_view before, std::string_view after) {
    const Json& blocks = golden()["blocks"];
    ASSERT_EQ(blocks.size(), expected_[name].size());
    for (size_t index = 0; index < blocks.size(); ++index) {
      const uint32_t block = blocks[index];
      EXPECT_EQ(hash_of(cases::block_texts(block, before, after)),
                expected_[name][index].get<std::string>())
          << fmt::format("code points from U+{:04X} on", block * cases::block_characters);
    }
  }

  TokenizerScratch scratch_;
  std::vector<uint32_t> ids_;
};

TEST_P(SubwordGolden, AdversarialTexts) {
  ASSERT_EQ(expected_["texts"].size(), 20U);
  cases::TextMaker maker(40);
  for (size_t batch = 0; batch < expected_["texts"].size(); ++batch) {
    std::vector<std::string> texts(cases::batch_texts);
    for (std::string& text : texts) text = maker.text();
    EXPECT_EQ(hash_of(texts), expected_["texts"][batch].get<std::string>()) << "batch " << batch;
  }
}

TEST_P(SubwordGolden, Offsets) {
  ASSERT_EQ(expected_["offsets"].size(), 20U);
  cases::TextMaker maker(44);
  for (size_t batch = 0; batch < expected_["offsets"].size(); ++batch) {
    cases::IdsHash hash;
    for (uint32_t count = 0; count < cases::batch_texts; ++count) {
      const std::string text = maker.text();
      std::vector<uint32_t> places;
      for (const TokenOffsets token : offsets_of_text(text, OffsetUnit::characters)) {
        places.insert(places.end(), {token.begin, token.end});
      }
      hash.add(places);
    }
    EXPECT_EQ(hash.text(), expected_["offsets"][batch].get<std::string>()) << "batch " << batch;
  }
}

// Goal: offsets in bytes are those in characters, also where the text is no valid UTF-8, and asking
// for them changes no ids.
TEST_P(SubwordGolden, OffsetsInBytesAreThoseInCharacters) {
  cases::TextMaker maker(45);
  for (int turn = 0; turn < 1000; ++turn) {
    std::string text = maker.text();
    if (turn % 2 == 0 && !text.empty())
      text[maker.below(static_cast<uint32_t>(text.size()))] = '\xE1';
    const std::vector<TokenOffsets> characters = offsets_of_text(text, OffsetUnit::characters);
    const std::vector<uint32_t> with_offsets = ids_;
    std::vector<uint32_t> begins;  // of each character, and the end
    for (uint32_t at = 0; at < text.size();
         at += decode_first(std::string_view(text).substr(at)).bytes) {
      begins.push_back(at);
    }
    begins.push_back(static_cast<uint32_t>(text.size()));
    const std::vector<TokenOffsets> bytes = offsets_of_text(text, OffsetUnit::bytes);
    EXPECT_EQ(encode(text),
              std::vector(with_offsets.begin(), with_offsets.begin() + std::ssize(bytes)));
    ASSERT_EQ(bytes.size(), characters.size());
    for (size_t at = 0; at < bytes.size(); ++at) {
      EXPECT_EQ(bytes[at], (TokenOffsets{begins[characters[at].begin], begins[characters[at].end]}))
          << text << " token " << at;
    }
  }
}

TEST_P(SubwordGolden, Decoded) {
  ASSERT_EQ(expected_["decoded"].size(), 4U);
  cases::TextMaker maker(43);
  for (size_t batch = 0; batch < expected_["decoded"].size(); ++batch) {
    cases::IdsHash hash;
    for (uint32_t count = 0; count < cases::batch_texts; ++count) {
      std::vector<uint32_t> ids = encode(maker.text());
      for (int more = 0; more < 8; ++more) ids.push_back(maker.below(900));
      for (const bool skip : {false, true}) {
        const std::string text = tokenizer_.decode(ids, skip);
        hash.add(std::vector<uint8_t>(text.begin(), text.end()));
      }
    }
    EXPECT_EQ(hash.text(), expected_["decoded"][batch].get<std::string>()) << "batch " << batch;
  }
}

TEST_P(SubwordGolden, CodePoints) {
  compare_blocks("code_points_in_word", "a", "b");
  compare_blocks("code_points_alone", "", "");
}

// Goal: what is cut off does not change what stays.
TEST_P(SubwordGolden, TruncationKeepsTheHeadOrTheTail) {
  cases::TextMaker maker(41);
  for (int turn = 0; turn < 200; ++turn) {
    const std::string text = maker.text();
    const std::vector<uint32_t> all = encode(text, {.add_special_tokens = false});
    const auto kept = static_cast<uint32_t>(turn % 23 + 1);
    const std::vector<uint32_t> head =
        encode(text, {.tokens_max = kept, .add_special_tokens = false});
    ASSERT_EQ(head.size(), std::min<size_t>(kept, all.size()));
    EXPECT_TRUE(std::equal(head.begin(), head.end(), all.begin()));
    const std::vector<uint32_t> tail =
        encode(text, {.tokens_max = kept, .add_special_tokens = false, .truncate_left = true});
    ASSERT_EQ(tail.size(), head.size());
    EXPECT_TRUE(std::equal(tail.rbegin(), tail.rend(), all.rbegin()));
  }
}

// A text without spaces is a word that no cache keeps; the same letters as words are kept.
TEST_P(SubwordGolden, TheCacheChangesNothing) {
  cases::TextMaker maker(42);
  for (int turn = 0; turn < 500; ++turn) {
    const std::string text = maker.text();
    const std::vector<uint32_t> warm = encode(text);
    EXPECT_EQ(encode(text), warm);
    scratch_ = TokenizerScratch();
    EXPECT_EQ(encode(text), warm);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SubwordGolden,
                         testing::Values("xlm_roberta", "byte_fallback", "roberta", "qwen2",
                                         "llama3"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace hilo
