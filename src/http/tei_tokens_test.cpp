#include "http/tei_tokens.h"

#include <gmock/gmock.h>

#include "http/route_test_support.h"
#include "http/tei.h"
#include "http/text_tokenizer.h"
#include "tokenizer/description.h"

namespace hilo::http {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Tokenizer word_pieces() {
  return Tokenizer::from_directory(std::string{HILO_SOURCE_DIR} +
                                   "/tests/golden/families/bert_cross_encoder")
      .value();
}

Tokenizer unigrams() {
  const std::string path = std::string{HILO_SOURCE_DIR} + "/tests/golden/subwords/xlm_roberta.json";
  return Tokenizer::from_description(
             describe_tokenizer_json(read_text_file(path).value(), path).value())
      .value();
}

class TeiTokens : public testing::Test {
 protected:
  explicit TeiTokens(Tokenizer tokenizer = word_pieces()) : tokenizer_(std::move(tokenizer)) {}

  json tokenize(const json& inputs, bool special = true) const {
    return routes_.answer("/tokenize",
                          json{{"inputs", inputs}, {"add_special_tokens", special}}.dump());
  }

  const EngineAbout about_{.prompts = {"other", "query"}, .prompt_texts = {"x", "hello "}};
  const TextTokenizer tokenizer_;
  const RoutesUnderTest routes_{
      tei_routes(),
      {.limits = three_texts, .about = &about_, .absence = "Away.", .tokenizer = &tokenizer_}};
};

class TeiTokensOfUnigrams : public TeiTokens {
 protected:
  TeiTokensOfUnigrams() : TeiTokens(unigrams()) {}
};

TEST_F(TeiTokens, PlacesAreInBytes) {
  const json lists = tokenize("hello");
  ASSERT_EQ(lists.size(), 1U);
  const json& tokens = lists[0];
  ASSERT_GE(tokens.size(), 3U);
  EXPECT_EQ(tokens.front()["text"], "[CLS]");
  EXPECT_EQ(tokens.front()["special"], true);
  EXPECT_TRUE(tokens.front()["start"].is_null());
  EXPECT_EQ(tokens.back()["text"], "[SEP]");
  EXPECT_EQ(tokens[1]["special"], false);
  EXPECT_EQ(tokens[1]["start"], 0);
  // What stands between the special tokens is the text, piece by piece.
  std::string whole;
  for (size_t i = 1; i + 1 < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i]["start"], whole.size());
    whole += tokens[i]["text"].get<std::string>();
    EXPECT_EQ(tokens[i]["stop"], whole.size());
  }
  EXPECT_EQ(whole, "hello");
}

TEST_F(TeiTokens, ListsAndSpecialTokens) {
  const json lists = tokenize({"hello", "", "\u00e9"}, false);
  ASSERT_EQ(lists.size(), 3U);
  EXPECT_EQ(lists[1].size(), 0U);
  ASSERT_EQ(lists[2].size(), 1U);
  EXPECT_EQ(lists[2][0]["text"], "\u00e9");
  EXPECT_EQ(lists[2][0]["stop"], 2);
  for (const json& token : lists[0]) EXPECT_EQ(token["special"], false);
  EXPECT_EQ(tokenize("")[0].size(), 2U);
}

// Fails if a special token that is written in the text counts as one that was added.
TEST_F(TeiTokens, ASpecialTokenInTheTextStandsThere) {
  const json tokens = tokenize("[SEP]")[0];
  ASSERT_EQ(tokens.size(), 3U);
  EXPECT_EQ(tokens[1]["id"], tokens[2]["id"]);
  EXPECT_EQ(tokens[1]["special"], false);
  EXPECT_EQ(tokens[1]["stop"], 5);
  EXPECT_EQ(tokens[2]["special"], true);
}

TEST_F(TeiTokens, APromptIsPutBefore) {
  const json tokens = routes_.answer(
      "/tokenize", R"({"inputs":"hello","prompt_name":"query","add_special_tokens":false})")[0];
  EXPECT_EQ(tokens, tokenize("hello hello", false)[0]);
}

TEST_F(TeiTokens, WithoutAnEngineNobodyKnowsThePrompts) {
  const RoutesUnderTest alone{
      tei_routes(), {.limits = three_texts, .absence = "Away.", .tokenizer = &tokenizer_}};
  EXPECT_EQ(alone.answer("/tokenize", R"({"inputs":"hello"})").size(), 1U);
  const Problem problem = alone.problem("/tokenize", R"({"inputs":"a","prompt_name":"query"})");
  EXPECT_EQ(problem.kind, ProblemKind::unavailable);
  EXPECT_FALSE(alone.route("/tokenize").needs_engine);
  EXPECT_FALSE(alone.route("/decode").needs_engine);
}

TEST_F(TeiTokens, DecodeUndoesTokenize) {
  json ids;
  const json tokens = tokenize("hello a b")[0];
  for (const json& token : tokens) ids.push_back(token["id"]);
  EXPECT_EQ(routes_.answer("/decode", json{{"ids", ids}}.dump()), json::array({"hello a b"}));
  const json both = routes_.answer(
      "/decode", json{{"ids", json::array({ids, ids})}, {"skip_special_tokens", false}}.dump());
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[1], "[CLS] hello a b [SEP]");
}

// A JSON list of so many times the same.
std::string list_of(size_t count, const std::string& item) {
  std::string list = "[" + item;
  for (size_t i = 1; i < count; ++i) list += "," + item;
  return list + "]";
}

TEST_F(TeiTokens, TooMuchIsRefused) {
  const Limits defaults{};
  const RoutesUnderTest many{tei_routes(), {.limits = defaults, .tokenizer = &tokenizer_}};
  const std::string text = '"' + std::string(64 * 1024, 'a') + '"';
  EXPECT_THAT(many.problem("/tokenize", R"({"inputs":)" + list_of(17, text) + "}").message,
              HasSubstr("1048576 at most"));
  const std::string ids = list_of(32 * 1024, "1");
  EXPECT_THAT(many.problem("/decode", R"({"ids":)" + list_of(9, ids) + "}").message,
              HasSubstr("262144 at most"));
  const std::string longer = list_of(32 * 1024 + 1, "1");
  EXPECT_THAT(many.problem("/decode", R"({"ids":)" + longer + "}").message,
              HasSubstr("more than 32768 token ids"));
}

TEST_F(TeiTokens, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"ids":[]})", "empty list"},
      {R"({"ids":7})", "must be a list"},
      {R"({"ids":["a"]})", "'ids[0]' must be"},
      {R"({"ids":[[1],2]})", "'ids[1]' must be a list"},
      {R"({"ids":[[1],[2.5]]})", "'ids[1][0]'"},
      {R"({"ids":[-1]})", "'ids[0]' must be a token id"}};
  for (const auto& [body, part] : rows)
    EXPECT_THAT(routes_.problem("/decode", body).message, HasSubstr(part));
  EXPECT_THAT(routes_.problem("/tokenize", R"({"inputs":[1]})").message, HasSubstr("a string"));
}

// Of another family, whose template has other tokens.
TEST_F(TeiTokensOfUnigrams, OtherFamiliesDoTheSame) {
  const json tokens = tokenize("hello a b")[0];
  ASSERT_GE(tokens.size(), 3U);
  EXPECT_EQ(tokens.front()["text"], "<s>");
  EXPECT_EQ(tokens.back()["text"], "</s>");
  EXPECT_TRUE(tokens.back()["start"].is_null());
  EXPECT_EQ(tokens[1]["special"], false);
  EXPECT_EQ(tokens[1]["start"], 0);
  EXPECT_EQ(tokens[tokens.size() - 2]["stop"], 9);
  json ids;
  for (const json& token : tokens) ids.push_back(token["id"]);
  EXPECT_EQ(routes_.answer("/decode", json{{"ids", ids}}.dump()), json::array({"hello a b"}));
}

}  // namespace
}  // namespace hilo::http
