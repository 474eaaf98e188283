#include "http/openai.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "http/route_test_support.h"

namespace hilo::http {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const EngineAbout about{.model = "all-MiniLM-L6-v2", .dims = 4};
const Context context{.limits = three_texts, .about = &about, .connected = true};

Outcome<EmbeddingsRequest> read(const std::string& body) {
  return read_embeddings_request(body, context);
}

TEST(EmbeddingsRequest, OneText) {
  const auto request = read(R"({"input":"h\u00e4llo","model":"all-MiniLM-L6-v2"})");
  ASSERT_TRUE(request) << request.error().message;
  ASSERT_EQ(request->work.size(), 1U);
  EXPECT_EQ(request->work.texts[0], "h\xc3\xa4llo");
  EXPECT_FALSE(request->base64);
  EXPECT_EQ(request->dims, 0U);
  EXPECT_FALSE(request->work.priority);
}

TEST(EmbeddingsRequest, EveryField) {
  const auto request = read(
      R"({"input":["","a","b"],"model":"org/all-MiniLM-L6-v2","encoding_format":"base64",
          "dimensions":2,"user":"u","priority":"low","unknown":{"a":[1]}})");
  ASSERT_TRUE(request) << request.error().message;
  ASSERT_EQ(request->work.texts.size(), 3U);
  EXPECT_EQ(request->work.texts[0], "");
  EXPECT_EQ(request->work.texts[2], "b");
  EXPECT_TRUE(request->base64);
  EXPECT_EQ(request->dims, 2U);
  EXPECT_EQ(request->work.priority, LaneWish::low);
}

TEST(EmbeddingsRequest, TokenIds) {
  const auto one = read(R"({"input":[101,7592,102]})");
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_EQ(one->work.tokens.size(), 1U);
  EXPECT_THAT(one->work.tokens[0], testing::ElementsAre(101, 7592, 102));
  const auto several = read(R"({"input":[[101,102],[4294967295]]})");
  ASSERT_TRUE(several) << several.error().message;
  ASSERT_EQ(several->work.tokens.size(), 2U);
  EXPECT_THAT(several->work.tokens[1], testing::ElementsAre(4294967295U));
}

TEST(EmbeddingsRequest, NullIsAsGoodAsAbsent) {
  EXPECT_TRUE(read(R"({"input":"a","user":null,"dimensions":null,"encoding_format":null})"));
}

// Goal: whatever is wrong is told in a sentence that names what is to blame. Method: bodies, each
// with the field and a part of the sentence.
TEST(EmbeddingsRequest, WhatIsWrongIsNamed) {
  struct Row {
    std::string body;
    const char* field;
    const char* part;
  };
  const Row rows[] = {
      {"", "", "it is empty"},
      {"{", "", "not valid JSON"},
      {R"({"input":"a")", "", "not valid JSON"},
      {"[]", "", "must be a JSON object, not a list"},
      {"\"input\"", "", "must be a JSON object, not a string"},
      {R"({"input":"a"} {})", "", "not valid JSON"},
      {"{}", "input", "'input' is missing"},
      {R"({"input":null})", "input", "'input' is missing"},
      {R"({"input":1})", "input", "not a number"},
      {R"({"input":{}})", "input", "not an object"},
      {R"({"input":[]})", "input", "empty list"},
      {R"({"input":[[]]})", "input", "'input[0]' is an empty list"},
      {R"({"input":["a",1]})", "input", "'input[1]' must be a string, not a number"},
      {R"({"input":["a",null]})", "input", "'input[1]' must be a string, not null"},
      {R"({"input":[true]})", "input", "'input[0]' must be"},
      {R"({"input":[1,"a"]})", "input", "'input[1]' must be a token id"},
      {R"({"input":[1,-2]})", "input", "'input[1]' must be a token id"},
      {R"({"input":[1,4294967296]})", "input", "'input[1]' must be a token id"},
      {R"({"input":[[1],"a"]})", "input", "'input[1]' must be a list of token ids"},
      {R"({"input":[[1],[1.5]]})", "input", "'input[1][0]' must be a token id"},
      {R"({"input":["a","b","c","d"]})", "input", "more than 3 texts"},
      {R"({"input":")" + std::string(text_bytes_max + 1, 'a') + "\"}", "input", "131073 bytes"},
      {R"({"input":"a","input":"b"})", "input", "'input' is there more than once"},
      {R"({"input":"a","model":"gpt"})", "model", "'gpt' does not exist"},
      {R"({"input":"a","model":7})", "model", "must be a string"},
      {R"({"input":"a","encoding_format":"hex"})", "encoding_format", "\"float\" or \"base64\""},
      {R"({"input":"a","dimensions":0})", "dimensions", "from 1 to 4"},
      {R"({"input":"a","dimensions":5})", "dimensions", "from 1 to 4"},
      {R"({"input":"a","dimensions":2.5})", "dimensions", "whole number"},
      {R"({"input":"a","dimensions":18446744073709551616})", "", "too large"},
      {R"({"input":"a","x":1e999})", "", "too large"},
      {R"({"input":"a","user":[]})", "user", "must be a string"},
      {R"({"input":"a","priority":"urgent"})", "priority", "\"high\", \"low\" or \"auto\""},
      {R"({"input":"a","priority":1})", "priority", "must be a string"},
      {"{\"input\":\"\xff\"}", "", "UTF-8"},
      {"{\"input\":\"\xed\xa0\x80\"}", "", "UTF-8"},
      {R"({"input":"\ud800"})", "", "surrogate"},
      {R"({"input":"\udc00"})", "", "surrogate"},
      {R"({"input":"\ud800\ud800"})", "", "surrogate"},
      {"{\"input\":\"a\nb\"}", "", "control character"},
      {R"({"input":)" + std::string(5000, '['), "", "not valid JSON"},
      {R"({"input":)" + std::string(5000, '[') + std::string(5000, ']') + "}", "", "too deeply"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.body.substr(0, 60));
    const auto request = read(row.body);
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().field, row.field);
    EXPECT_THAT(request.error().message, HasSubstr(row.part));
  }
}

// Goal: a body that ends early is never taken for a whole one.
TEST(EmbeddingsRequest, EveryPrefixIsRefused) {
  const std::string body = R"({"input":["h\u00e4","b"],"model":"all-MiniLM-L6-v2"})";
  ASSERT_TRUE(read(body));
  for (size_t bytes = 0; bytes < body.size(); ++bytes) EXPECT_FALSE(read(body.substr(0, bytes)));
}

Vectors two_vectors() {
  return {.dims = 4,
          .values = {0.5F, -0.25F, 1e-10F, 3, 3, 4, 0, 12},
          .facts = {{.tokens = 3}, {.tokens = 4}}};
}

TEST(EmbeddingsResponse, Floats) {
  const Response response = write_embeddings(two_vectors(), {}, "m\"1");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"object":"list","data":[)"
                           R"({"object":"embedding","index":0,"embedding":[0.5,-0.25,1e-10,3]},)"
                           R"({"object":"embedding","index":1,"embedding":[3,4,0,12]}],)"
                           R"("model":"m\"1","usage":{"prompt_tokens":7,"total_tokens":7}})");
}

TEST(EmbeddingsResponse, FirstDimensionsAreAUnitVectorAgain) {
  EmbeddingsRequest request;
  request.dims = 2;
  const json body = json::parse(write_embeddings(two_vectors(), request, "m").body);
  EXPECT_FLOAT_EQ(body["data"][1]["embedding"][0].get<float>(), 0.6F);
  EXPECT_FLOAT_EQ(body["data"][1]["embedding"][1].get<float>(), 0.8F);
  EXPECT_EQ(body["data"][1]["embedding"].size(), 2U);
}

TEST(EmbeddingsResponse, Base64) {
  EmbeddingsRequest request;
  request.base64 = true;
  request.dims = 1;
  const json body = json::parse(write_embeddings(two_vectors(), request, "m").body);
  EXPECT_EQ(body["data"][0]["embedding"], "AACAPw==");  // 1.0F, little-endian
}

TEST(OpenAiProblem, HasTheEnvelopeAndSaysWhenToComeBack) {
  const Response response = write_openai_problem({.kind = ProblemKind::overloaded,
                                                  .message = "So \"much\".",
                                                  .field = "input",
                                                  .retry_after_ms = 1001});
  EXPECT_EQ(response.status, 429U);
  const json error = json::parse(response.body)["error"];
  EXPECT_EQ(error["message"], "So \"much\".");
  EXPECT_EQ(error["type"], "rate_limit_error");
  EXPECT_EQ(error["param"], "input");
  EXPECT_EQ(error["code"], "rate_limit_exceeded");
  const std::vector<std::pair<std::string, std::string>> headers{{"Retry-After", "2"},
                                                                 {"retry-after-ms", "1001"}};
  EXPECT_EQ(response.headers, headers);
}

}  // namespace
}  // namespace hilo::http
