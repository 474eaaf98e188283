#include "http/tei.h"

#include <map>

#include <gmock/gmock.h>

#include "http/route_test_support.h"

namespace hilo::http {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

const EngineAbout embedder{.model = "all-MiniLM-L6-v2",
                           .backend = "cpu",
                           .precision = "fp32",
                           .dims = 4,
                           .tokens_max = 256,
                           .normalized = true,
                           .token_vectors = true,
                           .pooling = "mean",
                           .prompts = {"query"},
                           .prompt_texts = {"query: "}};
const EngineAbout scorer{.model = "ms-marco",
                         .backend = "cpu",
                         .dims = 1,
                         .cross_encoder = true,
                         .score_label = "fits \"well\""};

const RoutesUnderTest routes{tei_routes(),
                             {.limits = three_texts, .about = &embedder, .connected = true}};
// On a GPU, and with so many numbers for a text that two fit.
const EngineAbout on_gpu{.model = "on-gpu", .backend = "cuda", .dims = 4, .tokens_max = 256};
const EngineAbout largest{
    .model = "bge-m3", .backend = "cpu", .dims = 1024, .tokens_max = 8192, .token_vectors = true};
const RoutesUnderTest pooled{tei_routes(),
                             {.limits = three_texts, .about = &on_gpu, .connected = true}};
const RoutesUnderTest wide{tei_routes(),
                           {.limits = three_texts, .about = &largest, .connected = true}};
const RoutesUnderTest scores{tei_routes(),
                             {.limits = three_texts, .about = &scorer, .connected = true}};

Vectors two_timed_vectors() {
  return {.took_ns = 7'900'000,
          .dims = 4,
          .values = {3, 4, 0, 0, 0, 0, 0, 2},
          .facts = {{.tokens = 3, .engine_ns = 4'000'000, .waited_ns = 0},
                    {.tokens = 4, .engine_ns = 6'000'000, .waited_ns = 2'000'000}}};
}

Vectors logits(std::vector<float> values) {
  Vectors vectors{.dims = 1, .values = std::move(values), .facts = {}};
  vectors.facts.resize(vectors.values.size());
  return vectors;
}

TEST(TeiEmbed, SaysWhatIsToBeComputed) {
  const Work plain = routes.exchange("/embed", R"({"inputs":"a"})").work;
  EXPECT_EQ(plain.texts[0], "a");
  EXPECT_EQ(plain.truncation, Truncation::end);
  EXPECT_FALSE(plain.raw);
  EXPECT_EQ(plain.prompt_name, "");
  const Work chosen =
      routes
          .exchange("/embed",
                    R"({"inputs":["a","b"],"truncation_direction":"left","prompt_name":"query",
                        "normalize":false,"dimensions":2,"priority":"low"})")
          .work;
  EXPECT_EQ(chosen.texts.size(), 2U);
  EXPECT_EQ(chosen.truncation, Truncation::start);
  EXPECT_TRUE(chosen.raw);
  EXPECT_EQ(chosen.prompt_name, "query");
  EXPECT_EQ(chosen.priority, LaneWish::low);
  const Work refusing =
      routes.exchange("/embed", R"({"inputs":"a","truncate":false,"truncation_direction":"Left"})")
          .work;
  EXPECT_EQ(refusing.truncation, Truncation::refuse);
  const Work ids = routes.exchange("/embed", R"({"inputs":[[101,102],[103]]})").work;
  EXPECT_THAT(ids.tokens[0], ElementsAre(101, 102));
  EXPECT_EQ(ids.size(), 2U);
}

TEST(TeiEmbedAll, SaysWhatIsToBeComputed) {
  EXPECT_FALSE(routes.exchange("/embed", R"({"inputs":"a"})").work.every_token);
  const Work plain = routes.exchange("/embed_all", R"({"inputs":"a"})").work;
  EXPECT_TRUE(plain.every_token);
  EXPECT_EQ(plain.truncation, Truncation::end);
  const Work chosen =
      routes
          .exchange("/embed_all",
                    R"({"inputs":["a","b"],"truncation_direction":"left","prompt_name":"query",
                        "priority":"low"})")
          .work;
  EXPECT_EQ(chosen.texts.size(), 2U);
  EXPECT_EQ(chosen.truncation, Truncation::start);
  EXPECT_EQ(chosen.prompt_name, "query");
  EXPECT_EQ(chosen.priority, LaneWish::low);
}

// Fails if short lists of ids are taken for texts as long as the model takes.
TEST(TeiEmbedAll, IdsAreCountedAndTextsMayBeLong) {
  const Work ids = wide.exchange("/embed_all", R"({"inputs":[[1],[1,2]]})").work;
  EXPECT_EQ(ids.tokens_at_most(8192), 3U);
  EXPECT_EQ(ids.tokens_at_most(1), 2U) << "of longer lists, what the model takes";
  EXPECT_EQ(wide.exchange("/embed_all", R"({"inputs":"a"})").work.tokens_at_most(8192), 8192U);
}

TEST(TeiEmbedAll, VectorsAreAListForEachText) {
  Vectors vectors{.dims = 2,
                  .facts = {{.tokens = 2}, {.tokens = 0}, {.tokens = 1}},
                  .of_tokens = {{1, 2, 3, 4}, {}, {5, 6}}};
  const Exchange exchange = routes.exchange("/embed_all", R"({"inputs":["a","","b"]})");
  Response response;
  for (size_t i = 0; i < vectors.size(); ++i) {
    exchange.write_input(response, vectors, i);
    EXPECT_EQ(vectors.of_tokens[i].capacity(), 0U) << "what is written is dropped";
  }
  EXPECT_EQ(response.body, "[[[1,2],[3,4]],[],[[5,6]]]");
  EXPECT_TRUE(std::ranges::any_of(
      response.headers, [](const auto& header) { return header.first == "x-compute-tokens"; }));
}

TEST(TeiEmbed, VectorsAreAListOfLists) {
  const auto write = [](const char* body) {
    return routes.exchange("/embed", body).write(two_timed_vectors()).body;
  };
  EXPECT_EQ(write(R"({"inputs":["a","b"]})"), "[[3,4,0,0],[0,0,0,2]]") << "as the engine gives it";
  EXPECT_EQ(write(R"({"inputs":["a","b"],"normalize":false,"dimensions":3})"), "[[3,4,0],[0,0,0]]");
  EXPECT_EQ(json::parse(write(R"({"inputs":["a","b"],"dimensions":1})")), json::parse("[[1],[0]]"));
}

// Fails if vectors of a model that does not scale them keep their length though TEI's would not.
TEST(TeiEmbed, VectorsOfAnyModelAreUnitVectors) {
  EngineAbout about = embedder;
  about.normalized = false;
  const RoutesUnderTest raw{tei_routes(),
                            {.limits = three_texts, .about = &about, .connected = true}};
  const json body = json::parse(
      raw.exchange("/embed", R"({"inputs":["a","b"]})").write(two_timed_vectors()).body);
  EXPECT_FLOAT_EQ(body[0][0].get<float>(), 0.6F);
  EXPECT_FLOAT_EQ(body[0][1].get<float>(), 0.8F);
  EXPECT_FLOAT_EQ(body[1][3].get<float>(), 1);
}

TEST(TeiEmbed, HeadersTellOfTimes) {
  const Response response =
      routes.exchange("/embed", R"({"inputs":["gr\u00f6\u00dfer","\ud83d\ude42"]})")
          .write(two_timed_vectors());
  const std::map<std::string, std::string> headers{response.headers.begin(),
                                                   response.headers.end()};
  const std::map<std::string, std::string> expected{
      {"x-compute-type", "cpu"}, {"x-compute-time", "7"},  {"x-compute-characters", "7"},
      {"x-compute-tokens", "7"}, {"x-total-time", "7"},    {"x-tokenization-time", "0"},
      {"x-queue-time", "1"},     {"x-inference-time", "5"}};
  EXPECT_EQ(headers, expected);
}

TEST(TeiSimilarity, CosinesWithTheFirst) {
  const Exchange exchange =
      routes.exchange("/similarity",
                      R"({"inputs":{"source_sentence":"a","sentences":["b","c"]},
          "parameters":{"prompt_name":"query","truncate":false}})");
  ASSERT_EQ(exchange.work.size(), 3U);
  EXPECT_EQ(exchange.work.texts[0], "a");
  EXPECT_EQ(exchange.work.texts[2], "c");
  EXPECT_EQ(exchange.work.prompt_name, "query");
  EXPECT_EQ(exchange.work.truncation, Truncation::refuse);
  Vectors vectors{.dims = 2, .values = {1, 0, 3, 4, 0, 0}, .facts = {}};
  vectors.facts.resize(3);
  const json cosines = json::parse(exchange.write(vectors).body);
  EXPECT_EQ(cosines.size(), 2U);
  EXPECT_FLOAT_EQ(cosines[0].get<float>(), 0.6F);
  EXPECT_EQ(cosines[1], 0) << "a vector of zeros has no direction";
}

TEST(TeiRerank, BestFirst) {
  const Exchange exchange = scores.exchange(
      "/rerank", R"({"query":"q","texts":["a","b","c"],"return_text":true,"raw_scores":true})");
  ASSERT_EQ(exchange.work.size(), 3U);
  EXPECT_TRUE(exchange.work.raw);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(exchange.work.pairs[i].first, 0U);
    EXPECT_EQ(exchange.work.pairs[i].second, i + 1);
  }
  EXPECT_EQ(exchange.write(logits({-1, 2, 2})).body,
            R"([{"index":1,"text":"b","score":2},{"index":2,"text":"c","score":2},)"
            R"({"index":0,"text":"a","score":-1}])");
  EXPECT_EQ(scores.exchange("/rerank", R"({"query":"q","texts":["a"]})").write(logits({0})).body,
            R"([{"index":0,"score":0.5}])");
}

TEST(TeiRerank, AScoreThatIsNoNumberIsTold) {
  const Response response = scores.exchange("/rerank", R"({"query":"q","texts":["a","b"]})")
                                .write(logits({1, std::nanf("")}));
  EXPECT_EQ(response.status, 424U);
}

TEST(TeiPredict, AnswersInTheFormOfTheInputs) {
  const auto predict = [](const char* inputs, std::vector<float> values) {
    const Exchange exchange =
        scores.exchange("/predict", std::string{R"({"inputs":)"} + inputs + "}");
    EXPECT_EQ(exchange.work.size(), values.size());
    return exchange.write(logits(std::move(values))).body;
  };
  constexpr const char* one = R"([{"score":0.5,"label":"fits \"well\""}])";
  EXPECT_EQ(predict(R"("a")", {0}), one);
  EXPECT_EQ(predict(R"(["a"])", {0}), one);
  EXPECT_EQ(predict(R"(["a","b"])", {0}), one);
  EXPECT_EQ(predict(R"([["a","b"]])", {0}), "[" + std::string{one} + "]");
  EXPECT_EQ(predict(R"([["a"],["b"]])", {0, 0}), "[" + std::string{one} + "," + one + "]");
  const Work pairs = scores.exchange("/predict", R"({"inputs":[["a","b"],["c","d"]]})").work;
  EXPECT_EQ(pairs.texts[pairs.pairs[1].first], "c");
  EXPECT_EQ(pairs.texts[pairs.pairs[1].second], "d");
}

TEST(TeiDefault, GoesByTheModelAndTheBody) {
  EXPECT_EQ(routes.exchange("/", R"({"inputs":"a"})").work.size(), 1U);
  const std::string compared = R"({"inputs":{"source_sentence":"a","sentences":["b"]}})";
  EXPECT_EQ(routes.exchange("/invocations", compared).work.size(), 2U);
  EXPECT_EQ(scores.exchange("/", R"({"query":"a","texts":["b","c"]})").work.pairs.size(), 2U);
}

// Goal: whatever is wrong is told in a sentence, with TEI's status and name for it.
TEST(TeiProblem, WhatIsWrongIsNamed) {
  struct Row {
    const RoutesUnderTest& model;
    const char* path;
    std::string body;
    unsigned status;
    const char* type;
    const char* part;
  };
  const Row rows[] = {
      {routes, "/embed", "{", 400, "Validation", "not valid JSON"},
      {routes, "/embed", "[]", 422, "Validation", "must be a JSON object"},
      {routes, "/embed", "{}", 422, "Validation", "'inputs' is missing"},
      {routes, "/embed", R"({"inputs":[]})", 400, "Empty", "'inputs' is an empty list"},
      {routes, "/embed", R"({"inputs":[[]]})", 400, "Empty", "'inputs[0]' is an empty list"},
      {routes, "/embed", R"({"inputs":["a",[1]]})", 422, "Validation", "'inputs[1]' must be"},
      {routes, "/embed", R"({"inputs":["a","b","c","d"]})", 422, "Validation", "more than 3"},
      {routes, "/embed", R"({"inputs":"a","truncate":"yes"})", 422, "Validation", "'truncate'"},
      {routes, "/embed", R"({"inputs":"a","truncation_direction":"up"})", 422, "Validation",
       "\"Left\" or \"Right\""},
      {routes, "/embed", R"({"inputs":"a","prompt_name":"nope"})", 422, "Validation",
       "must be one of query"},
      {routes, "/embed", R"({"inputs":"a","prompt_name":""})", 422, "Validation", "no such prompt"},
      {routes, "/embed", R"({"inputs":[1],"prompt_name":"query"})", 422, "Validation",
       "before texts"},
      {routes, "/embed", R"({"inputs":"a","dimensions":5})", 422, "Validation", "from 1 to 4"},
      {routes, "/embed", R"({"inputs":"a","normalize":1})", 422, "Validation", "'normalize'"},
      {routes, "/embed", R"({"inputs":"a","priority":"x"})", 422, "Validation", "'priority'"},
      {routes, "/similarity", R"({"inputs":"a"})", 422, "Validation", "must be an object"},
      {routes, "/similarity", R"({"inputs":{"sentences":["b"]}})", 422, "Validation",
       "'source_sentence' is missing"},
      {routes, "/similarity", R"({"inputs":{"source_sentence":"a","sentences":[]}})", 400, "Empty",
       "'sentences' is an empty list"},
      {routes, "/similarity",
       R"({"inputs":{"source_sentence":"a","sentences":["b"]},"parameters":[]})", 422, "Validation",
       "'parameters' must be an object"},
      {routes, "/rerank", R"({"query":"a","texts":["b"]})", 424, "Backend", "no cross-encoder"},
      {routes, "/predict", R"({"inputs":"a"})", 424, "Backend", "no cross-encoder"},
      {routes, "/embed_all", R"({"inputs":["a","b","c","d"]})", 422, "Validation",
       "more than 3 texts"},
      {wide, "/embed_all", R"({"inputs":["a","b"]})", 422, "Validation", "there may be 4096"},
      {pooled, "/embed_all", R"({"inputs":"a"})", 424, "Backend", "none of their tokens"},
      {scores, "/embed_all", R"({"inputs":"a"})", 424, "Backend", "a cross-encoder"},
      {routes, "/embed_sparse", R"({"inputs":"a"})", 424, "Backend", "one vector for each text"},
      {routes, "/tokenize", R"({"inputs":"a"})", 422, "Tokenizer", "no tokenizer"},
      {routes, "/decode", R"({"ids":[1]})", 422, "Tokenizer", "no tokenizer"},
      {scores, "/embed", R"({"inputs":"a"})", 424, "Backend", "a cross-encoder"},
      {scores, "/similarity", R"({"inputs":{}})", 424, "Backend", "a cross-encoder"},
      {scores, "/rerank", R"({"texts":["b"]})", 422, "Validation", "'query' is missing"},
      {scores, "/rerank", R"({"query":"a","texts":"b"})", 422, "Validation", "must be a list"},
      {scores, "/rerank", R"({"query":"a","texts":[]})", 400, "Empty", "'texts' is an empty"},
      {scores, "/rerank", R"({"query":"a","texts":["b",1]})", 422, "Validation", "'texts[1]'"},
      {scores, "/predict", R"({"inputs":["a","b","c"]})", 422, "Validation", "a pair has two"},
      {scores, "/predict", R"({"inputs":[["a"],["b","c"]]})", 422, "Validation",
       "'inputs[1]' must be a list of one text"},
      {scores, "/predict", R"({"inputs":[[]]})", 422, "Validation", "'inputs[0]' must be"},
      {scores, "/predict", R"({"inputs":[["a",1]]})", 422, "Validation", "'inputs[0][1]' must be"},
      {scores, "/predict", R"({"inputs":1})", 422, "Validation", "must be a list"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.path + row.body);
    const Response response = write_tei_problem(row.model.problem(row.path, row.body));
    EXPECT_EQ(response.status, row.status);
    const json body = json::parse(response.body);
    EXPECT_EQ(body["error_type"], row.type);
    EXPECT_THAT(body["error"].get<std::string>(), HasSubstr(row.part));
    EXPECT_THAT(body["error"].get<std::string>(), testing::EndsWith("."));
  }
}

TEST(TeiProblem, SaysWhenToComeBack) {
  const Response response =
      write_tei_problem({.kind = ProblemKind::overloaded, .message = "x.", .retry_after_ms = 1001});
  EXPECT_EQ(response.status, 429U);
  EXPECT_EQ(response.body, R"({"error":"x.","error_type":"Overloaded"})");
  EXPECT_EQ(response.headers[0].second, "2");
}

TEST(TeiInfo, HasTheFieldsOfTei) {
  const json body = routes.answer("/info", "");
  EXPECT_EQ(body["model_id"], "all-MiniLM-L6-v2");
  EXPECT_EQ(body["model_dtype"], "float32");
  EXPECT_EQ(body["model_type"], json::parse(R"({"embedding":{"pooling":"mean"}})"));
  EXPECT_EQ(body["max_input_length"], 256);
  EXPECT_EQ(body["max_client_batch_size"], 3);
  EXPECT_EQ(body["auto_truncate"], true);
  EXPECT_TRUE(body["model_sha"].is_null());
  EXPECT_TRUE(scores.answer("/info", "")["model_type"].contains("reranker"));
}

}  // namespace
}  // namespace hilo::http
