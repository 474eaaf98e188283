#include "tokenizer/description.h"

#include <cstdint>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer/tokenizer.h"

namespace hilo {
namespace {

using testing::HasSubstr;

constexpr const char* vocabulary = R"("[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3,"##b":4)";

std::string json_with(const std::string& model_rest, const std::string& rest) {
  return std::string(R"({"model":{"vocab":{)") + vocabulary + "}" + model_rest +
         R"(},"normalizer":{"type":"BertNormalizer","strip_accents":null,"lowercase":true},)" +
         R"("pre_tokenizer":{"type":"BertPreTokenizer"})" + rest + "}";
}

std::string error_of(const std::string& json) {
  const Result<TokenizerDescription> description = describe_tokenizer_json(json, "t.json");
  return description ? "" : description.error().message;
}

TEST(DescribeTokenizerJson, ReadsAllThatMatters) {
  const TokenizerDescription description =
      describe_tokenizer_json(
          json_with(R"(,"max_input_chars_per_word":7,"unk_token":"a")",
                    R"(,"added_tokens":[{"id":9,"content":"<new>","lstrip":true,"special":true},
                        {"id":2,"content":"[SEP]"}],
                        "post_processor":{"type":"BertProcessing",
                                          "sep":["[SEP]",2],"cls":["[CLS]",1]})"),
          "t.json")
          .value();
  EXPECT_EQ(description.word_characters_max, 7U);
  EXPECT_EQ(description.unknown_piece, "a");
  EXPECT_TRUE(description.normalizer.strip_accents);  // null: as lowercase
  EXPECT_EQ(description.id_of("<new>"), 5U);          // the next free one, as the reference gives
  EXPECT_TRUE(description.added[0].lstrip);
  EXPECT_FALSE(description.added[0].normalized);
  EXPECT_TRUE(description.added[1].normalized);
  EXPECT_EQ(description.pair.size(), 5U);
  EXPECT_EQ(description.pair[0].id, 1U);
}

TEST(DescribeTokenizerJson, WhatItCannotUseIsNamed) {
  EXPECT_THAT(error_of("{"), HasSubstr("t.json is not a JSON object"));
  EXPECT_THAT(error_of("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("no model.vocab"));
  EXPECT_THAT(error_of(R"({"model":{"type":"WordLevel"}})"), HasSubstr("type WordLevel"));
  EXPECT_THAT(error_of(R"({"model":{"vocab":{"a":-1}}})"), HasSubstr("piece \"a\""));
  EXPECT_THAT(error_of(R"({"model":{"vocab":{"a":1}},"normalizer":{"type":"NFC"}})"),
              HasSubstr("\"NFC\""));
  EXPECT_THAT(error_of(R"({"model":{"vocab":{"a":1}},"pre_tokenizer":{"type":"Metaspace"}})"),
              HasSubstr("\"Metaspace\""));
  EXPECT_THAT(error_of(json_with("", R"(,"post_processor":{"type":"Other"})")),
              HasSubstr("\"Other\""));
  EXPECT_THAT(error_of(json_with("", R"(,"added_tokens":[{"id":1}])")), HasSubstr("no content"));
  EXPECT_THAT(error_of(json_with("", R"(,"post_processor":{"type":"TemplateProcessing",
                               "single":[{"SpecialToken":{"id":"[X]","type_id":0}}]})")),
              HasSubstr("[X]"));
}

TEST(DescribeVocabularyText, LinesAreIdsAndLaterOnesWin) {
  const TokenizerDescription description =
      describe_vocabulary_text("[PAD]\r\n[UNK]\n[CLS] \u3000\n[SEP]\n[MASK]\nx\ny\nx\n", "v", "")
          .value();
  EXPECT_EQ(description.id_of("[CLS]"), 2U);
  EXPECT_EQ(description.id_of("x"), 7U);
  EXPECT_EQ(description.id_of("[PAD]"), 0U);
}

TEST(DescribeVocabularyText, SettingsComeFromTheConfig) {
  const TokenizerDescription description =
      describe_vocabulary_text("<p>\n<u>\n<c>\n<s>\n<m>\n", "v",
                               R"({"do_lower_case":false,"tokenize_chinese_chars":false,
                                   "pad_token":"<p>","unk_token":"<u>","cls_token":"<c>",
                                   "sep_token":{"content":"<s>","lstrip":true},
                                   "mask_token":"<m>"})")
          .value();
  EXPECT_FALSE(description.normalizer.lowercase);
  EXPECT_FALSE(description.normalizer.strip_accents);
  EXPECT_FALSE(description.normalizer.handle_chinese_chars);
  EXPECT_EQ(description.unknown_piece, "<u>");
  EXPECT_TRUE(description.added[3].lstrip);
}

// transformers' MPNetTokenizer makes the same of this vocabulary.
TEST(DescribeVocabularyText, MpNetPutsTwoTextsTogetherAsRobertaDoes) {
  const TokenizerDescription description =
      describe_vocabulary_text("<s>\n<pad>\n</s>\n[UNK]\n<mask>\na\nb\n", "v",
                               R"({"tokenizer_class":"MPNetTokenizer","pad_token":"<pad>",
                                   "cls_token":"<s>","sep_token":"</s>","mask_token":"<mask>"})")
          .value();
  const Tokenizer tokenizer = Tokenizer::from_description(description).value();
  TokenizerScratch scratch;
  std::vector<uint32_t> ids(6);
  std::vector<uint8_t> types(6);
  EXPECT_EQ(tokenizer.encode_pair({"a", "b"}, {}, scratch, ids, types).tokens, 6U);
  EXPECT_EQ(ids, (std::vector<uint32_t>{0, 5, 2, 2, 6, 2}));
  EXPECT_EQ(types, std::vector<uint8_t>(6, 0));
}

TEST(DescribeVocabularyText, ProblemsAreNamed) {
  EXPECT_THAT(describe_vocabulary_text("[PAD]\n", "v", "").error().message,
              HasSubstr("v lacks the piece [UNK]"));
  EXPECT_THAT(describe_vocabulary_text("\xFF", "v", "").error().message, HasSubstr("UTF-8"));
  EXPECT_THAT(describe_vocabulary_text("a", "v", "nonsense").error().message,
              HasSubstr("tokenizer_config.json"));
}

TEST(DescribeDirectory, EmptyDirectoryIsToldWhatItLacks) {
  const std::filesystem::path directory =
      std::filesystem::path(testing::TempDir()) / ("hilo_tokenizer_" + std::to_string(getpid()));
  std::filesystem::create_directories(directory);
  EXPECT_THAT(Tokenizer::from_directory(directory).error().message,
              HasSubstr("neither tokenizer.json nor vocab.txt"));
  // With both present, tokenizer.json counts.
  std::ofstream(directory / "vocab.txt") << "[PAD]\n";
  EXPECT_THAT(Tokenizer::from_directory(directory).error().message, HasSubstr("vocab.txt lacks"));
  std::ofstream(directory / "tokenizer.json") << "{}";
  EXPECT_THAT(Tokenizer::from_directory(directory).error().message, HasSubstr("tokenizer.json"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace hilo
