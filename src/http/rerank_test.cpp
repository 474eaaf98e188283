#include "http/rerank.h"

#include <cmath>

#include <gmock/gmock.h>

#include "http/openai.h"
#include "http/route_test_support.h"

namespace hilo::http {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const EngineAbout cross_encoder{.model = "ms-marco", .dims = 1, .cross_encoder = true};
const EngineAbout no_cross_encoder{.model = "all-MiniLM-L6-v2", .dims = 4};
const RoutesUnderTest rerank{rerank_routes(),
                             {.limits = three_texts, .about = &cross_encoder, .connected = true}};

json results(const std::string& body, std::vector<float> values) {
  Vectors logits{.dims = 1, .values = std::move(values), .facts = {}};
  logits.facts.assign(logits.values.size(), {.tokens = 5});
  return json::parse(rerank.exchange("/v1/rerank", body).write(logits).body);
}

TEST(Rerank, DocumentsAreTextsOrObjects) {
  const Work work =
      rerank
          .exchange("/v1/rerank",
                    R"({"query":"q","documents":["a",{"text":"b","id":7}],"model":"org/ms-marco",
                        "priority":"high","rank_fields":["text"]})")
          .work;
  ASSERT_EQ(work.size(), 2U);
  EXPECT_TRUE(work.raw);
  EXPECT_EQ(work.texts[0], "q");
  EXPECT_EQ(work.texts[work.pairs[1].second], "b");
  EXPECT_EQ(work.priority, LaneWish::high);
  EXPECT_EQ(rerank.exchange("/v2/rerank", R"({"query":"q","documents":["a"]})").work.size(), 1U);
}

TEST(Rerank, BestFirstFromZeroToOne) {
  const json body = results(R"({"query":"q","documents":["a","b","c"]})", {-2, 3, 0});
  EXPECT_EQ(body["object"], "list");
  EXPECT_EQ(body["model"], "ms-marco");
  EXPECT_EQ(body["results"][0]["index"], 1);
  EXPECT_FLOAT_EQ(body["results"][0]["relevance_score"].get<float>(), 1 / (1 + std::exp(-3.0F)));
  EXPECT_EQ(body["results"][1], json::parse(R"({"index":2,"relevance_score":0.5})"));
  EXPECT_EQ(body["results"][2]["index"], 0);
  EXPECT_EQ(body["usage"], json::parse(R"({"prompt_tokens":15,"total_tokens":15})"));
  EXPECT_EQ(body["meta"]["tokens"]["input_tokens"], 15);
}

TEST(Rerank, TheBestWithTheirTexts) {
  const json body = results(
      R"({"query":"q","documents":["a",{"text":"b"},"c"],"top_n":2,"return_documents":true})",
      {0, 1, 2});
  ASSERT_EQ(body["results"].size(), 2U);
  EXPECT_EQ(body["results"][0]["document"]["text"], "c");
  EXPECT_EQ(body["results"][1]["document"]["text"], "b");
  EXPECT_EQ(results(R"({"query":"q","documents":["a"],"top_n":9})", {0})["results"].size(), 1U);
}

TEST(Rerank, WhatIsWrongIsNamed) {
  const std::pair<std::string, const char*> rows[] = {
      {R"({"documents":["a"]})", "'query' is missing"},
      {R"({"query":"q"})", "'documents' is missing"},
      {R"({"query":["q"],"documents":["a"]})", "'query' must be a string"},
      {R"({"query":"q","documents":[]})", "'documents' is an empty list"},
      {R"({"query":"q","documents":"a"})", "'documents' must be a list"},
      {R"({"query":"q","documents":["a",{"title":"b"}]})", "'documents[1]' has no 'text'"},
      {R"({"query":"q","documents":[{"text":1}]})", "'documents[0]' must be a string"},
      {R"({"query":"q","documents":["a","b","c","d"]})", "more than 3 texts"},
      {R"({"query":"q","documents":["a"],"top_n":0})", "'top_n'"},
      {R"({"query":"q","documents":["a"],"return_documents":"no"})", "'return_documents'"},
      {R"({"query":"q","documents":["a"],"model":"gpt"})", "'gpt' does not exist"},
      {R"({"query":"q","documents":["a"],"priority":"x"})", "'priority'"}};
  for (const auto& [body, part] : rows)
    EXPECT_THAT(rerank.problem("/v1/rerank", body).message, HasSubstr(part));
}

// Fails if a model is asked for what it does not compute.
TEST(Rerank, EachModelDoesItsOwn) {
  const RoutesUnderTest other{
      rerank_routes(), {.limits = three_texts, .about = &no_cross_encoder, .connected = true}};
  const Problem scores = other.problem("/v1/rerank", R"({"query":"q","documents":["a"]})");
  EXPECT_EQ(scores.kind, ProblemKind::wrong_model);
  EXPECT_THAT(scores.message, HasSubstr("no cross-encoder"));
  const RoutesUnderTest openai{openai_routes(),
                               {.limits = three_texts, .about = &cross_encoder, .connected = true}};
  const Problem vectors = openai.problem("/v1/embeddings", R"({"input":"a"})");
  const Response response = write_openai_problem(vectors);
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(json::parse(response.body)["error"]["code"], "model_not_supported");
}

TEST(Rerank, AScoreThatIsNoNumberIsTold) {
  Vectors logits{.dims = 1, .values = {std::nanf("")}, .facts = {}};
  logits.facts.resize(1);
  EXPECT_EQ(
      rerank.exchange("/v1/rerank", R"({"query":"q","documents":["a"]})").write(logits).status,
      500U);
}

}  // namespace
}  // namespace hilo::http
