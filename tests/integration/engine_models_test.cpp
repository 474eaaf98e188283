// Engines with the small models of tests/golden/families, whose vectors transformers has computed:
// from texts, pairs and ids to what a client gets.
#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "backend/cpu/cpu_backend.h"
#include "engine_under_test.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace hilo {
namespace {

constexpr float difference_max = 1e-4F;

struct Golden {
  std::string text, second, side;  // a text by itself has no side
  std::vector<uint32_t> ids;
  std::vector<float> vector;
  float logit = 0;
  std::vector<std::vector<float>> tokens;
};

// A model that an engine serves, with one client. At the slowest level and at the best one.
class ServedModel {
 public:
  ServedModel(const std::string& family, CpuLevel level)
      : directory_(fmt::format("{}/tests/golden/families/{}", HILO_SOURCE_DIR, family)),
        header_(*read_model_header(directory_)),
        tokenizer_(*Tokenizer::from_directory(directory_)),
        backend_(*make_cpu_backend(*load_model(header_), Precision::fp32, level)),
        test_(*backend_,
              {.threads = 2,
               .tokens_max = header_.tokens_max,
               .prompts = {},
               .scores_pairs = header_.score.has_value()},
              &tokenizer_),
        client_(test_.connect()) {}
  ~ServedModel() { hilo_close(client_); }
  ServedModel(const ServedModel&) = delete;
  ServedModel& operator=(const ServedModel&) = delete;

  hilo_client* client() const { return client_; }
  uint32_t dims() const { return backend_->dims(); }
  // Those with a text.
  std::vector<Golden> goldens() const {
    std::ifstream file(directory_ + "/expected.json");
    std::vector<Golden> goldens;
    for (const nlohmann::json& entry : nlohmann::json::parse(file)) {
      if (!entry.contains("text")) continue;
      goldens.push_back({.text = entry["text"],
                         .second = entry.value("second", ""),
                         .side = entry.value("side", ""),
                         .ids = entry["ids"],
                         .vector = entry["vector"],
                         .logit = entry.value("logit", 0.0F),
                         .tokens = entry.value("tokens", std::vector<std::vector<float>>{})});
    }
    return goldens;
  }

 private:
  std::string directory_;
  ModelHeader header_;
  Tokenizer tokenizer_;
  std::unique_ptr<Backend> backend_;
  EngineUnderTest test_;
  hilo_client* client_;
};

struct Asked {
  hilo_submit_options options;
  std::string text, second;
};

Asked asked_of(const Golden& golden, bool raw) {
  Asked asked{.options = options_for(HILO_HIGH), .text = golden.text, .second = golden.second};
  if (!golden.side.empty()) asked.options.input = HILO_PAIR;
  if (golden.side == "left") asked.options.truncation = HILO_TRUNCATE_START;
  asked.options.raw = raw ? 1 : 0;
  return asked;
}

Answer answer_to(const ServedModel& model, const Asked& asked) {
  return take_answer(model.client(),
                     submit_as(model.client(), asked.options, asked.text, asked.second));
}

Asked asked_by_ids(const std::vector<uint32_t>& ids) {
  Asked asked{.options = options_for(HILO_HIGH), .text = {}, .second = {}};
  asked.options.input = HILO_IDS;
  asked.text.assign(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(uint32_t));
  return asked;
}

class EngineModels : public testing::TestWithParam<CpuLevel> {};
INSTANTIATE_TEST_SUITE_P(Levels, EngineModels,
                         testing::Values(CpuLevel::scalar, *select_cpu_level()),
                         [](const auto& level) {
                           return fmt::format("{}_{}", level.index, cpu_level_name(level.param));
                         });

// Fails if the score of a pair, or its logit, is not the one of transformers: both texts whole,
// empty, or cut at either side.
TEST_P(EngineModels, ScoresAreThoseOfTransformers) {
  for (const char* const family : {"bert_cross_encoder", "mpnet_cross_encoder"}) {
    const ServedModel model(family, GetParam());
    const std::vector<Golden> goldens = model.goldens();
    ASSERT_EQ(goldens.size(), 14U);
    for (const Golden& golden : goldens) {
      SCOPED_TRACE(fmt::format("{}: {} | {}, {}", family, golden.text, golden.second, golden.side));
      const Answer score = answer_to(model, asked_of(golden, /*raw=*/false));
      ASSERT_EQ(score.status, HILO_OK);
      EXPECT_NEAR(score.vector[0], golden.vector[0], difference_max);
      const Answer logit = answer_to(model, asked_of(golden, /*raw=*/true));
      ASSERT_EQ(logit.status, HILO_OK);
      EXPECT_NEAR(logit.vector[0], golden.logit, 2 * difference_max);
    }
  }
}

// Fails if ids that another has made give other bits than the text they are made of.
TEST_P(EngineModels, IdsGiveTheVectorOfTheirText) {
  const ServedModel model("distilbert", GetParam());
  for (const Golden& golden : model.goldens()) {
    const Answer by_text = answer_to(model, asked_of(golden, /*raw=*/false));
    ASSERT_EQ(by_text.status, HILO_OK);
    EXPECT_EQ(answer_to(model, asked_by_ids(golden.ids)).vector, by_text.vector) << golden.text;
    for (size_t i = 0; i < by_text.vector.size(); ++i)
      EXPECT_NEAR(by_text.vector[i], golden.vector[i], difference_max);
  }
  EXPECT_EQ(answer_to(model, asked_by_ids({2, 48, 3})).status, HILO_UNKNOWN_ID);
}

// Fails if vectors of tokens are not the last hidden states of transformers, of texts and of ids.
TEST_P(EngineModels, TokensAreThoseOfTransformers) {
  const ServedModel model("roberta", GetParam());
  size_t texts = 0;
  for (const Golden& golden : model.goldens()) {
    ASSERT_EQ(golden.tokens.size(), golden.ids.size());
    for (const Asked& asked : {asked_of(golden, /*raw=*/false), asked_by_ids(golden.ids)}) {
      std::vector<float> vectors(golden.tokens.size() * model.dims());
      size_t tokens = 0;
      const hilo_text text{asked.text.data(), asked.text.size()};
      ASSERT_EQ(hilo_embed_tokens(model.client(), &asked.options, &text, vectors.data(),
                                  golden.tokens.size(), &tokens),
                HILO_OK)
          << hilo_last_error();
      ASSERT_EQ(tokens, golden.tokens.size());
      for (size_t i = 0; i < vectors.size(); ++i)
        ASSERT_NEAR(vectors[i], golden.tokens[i / model.dims()][i % model.dims()], 1e-5) << i;
    }
    ++texts;
  }
  EXPECT_EQ(texts, 5U);
}

TEST_P(EngineModels, ACrossEncoderHasNoVectorsOfTokens) {
  const ServedModel model("bert_cross_encoder", GetParam());
  hilo_submit_options options = options_for(HILO_HIGH);
  options.tokens_from = 1;
  const hilo_text text{"a", 1};
  hilo_task task = 0;
  size_t submitted = 0;
  EXPECT_EQ(hilo_submit_many(model.client(), &options, &text, 1, &task, &submitted),
            HILO_INVALID_ARGUMENT);
}

// Fails if the start is not cut at a token, or a longer text is computed that was to be refused.
TEST_P(EngineModels, TextsAreCutByTokens) {
  const ServedModel model("distilbert", GetParam());
  hilo_info_t info{};
  ASSERT_EQ(hilo_info(model.client(), &info), HILO_OK);
  const size_t words = info.tokens_max - 2;
  std::string last;
  for (size_t i = 0; i < words; ++i) last += "b ";
  Asked asked{.options = options_for(HILO_HIGH), .text = "a a a a " + last, .second = {}};
  asked.options.truncation = HILO_TRUNCATE_START;
  const Answer kept =
      answer_to(model, {.options = options_for(HILO_HIGH), .text = last, .second = {}});
  EXPECT_EQ(answer_to(model, asked).vector, kept.vector);

  asked.options.truncation = HILO_TRUNCATE_REFUSE;
  submit_as(model.client(), asked.options, asked.text);
  const hilo_result refused = take_one(model.client());
  EXPECT_EQ(refused.status, HILO_TOO_MANY_TOKENS);
  EXPECT_EQ(refused.tokens, info.tokens_max);
  asked.text = last;
  EXPECT_EQ(answer_to(model, asked).vector, kept.vector);
}

// Fails if a vector depends on the flags of tasks that share its batch. Each task alone, then all
// at once in LOW, where batches have many.
TEST_P(EngineModels, TasksOfAllKindsShareBatches) {
  for (const char* const family : {"bert_cross_encoder", "mpnet"}) {
    const ServedModel model(family, GetParam());
    std::vector<Asked> all;
    for (const Golden& golden : model.goldens()) {
      for (const bool raw : {false, true}) all.push_back(asked_of(golden, raw));
      all.push_back(asked_by_ids(golden.ids));
      all.push_back({.options = options_for(HILO_HIGH), .text = golden.text, .second = {}});
      all.back().options.truncation = HILO_TRUNCATE_START;
    }
    std::vector<Answer> alone;
    alone.reserve(all.size());
    for (const Asked& asked : all) alone.push_back(answer_to(model, asked));

    std::mt19937 random{9};
    std::map<hilo_task, size_t> open;
    for (uint32_t i = 0; i < 200; ++i) {
      const size_t which = random() % all.size();
      Asked asked = all[which];
      asked.options.lane = HILO_LOW;
      open[submit_as(model.client(), asked.options, asked.text, asked.second)] = which;
    }
    while (!open.empty()) {
      const hilo_result result = take_one(model.client());
      ASSERT_EQ(result.status, HILO_OK);
      ASSERT_TRUE(open.contains(result.task));
      EXPECT_EQ(std::vector<float>(result.vector, result.vector + model.dims()),
                alone[open[result.task]].vector);
      open.erase(result.task);
      ASSERT_EQ(hilo_release(model.client(), result.task), HILO_OK);
    }
  }
}

// Fails if half a letter at the border of two texts passes for a letter.
TEST_P(EngineModels, EachTextOfAPairIsUtf8) {
  const ServedModel model("bert_cross_encoder", GetParam());
  Asked asked{.options = options_for(HILO_HIGH), .text = "caf\xc3", .second = "\xa9 a"};
  asked.options.input = HILO_PAIR;
  EXPECT_EQ(answer_to(model, asked).status, HILO_INVALID_UTF8);
  asked.text = "caf";
  EXPECT_EQ(answer_to(model, asked).status, HILO_INVALID_UTF8);
  asked.second = "\xc3\xa9 a";
  EXPECT_EQ(answer_to(model, asked).status, HILO_OK);
}

// Fails if a border of two texts that a stranger wrote is believed.
TEST_P(EngineModels, ASecondTextBeginsWithinTheEntry) {
  const std::string directory =
      fmt::format("{}/tests/golden/families/bert_cross_encoder", HILO_SOURCE_DIR);
  const ModelHeader header = *read_model_header(directory);
  const Tokenizer tokenizer = *Tokenizer::from_directory(directory);
  const auto backend = *make_cpu_backend(*load_model(header), Precision::fp32, GetParam());
  EngineUnderTest test(
      *backend,
      {.threads = 1, .tokens_max = header.tokens_max, .prompts = {}, .scores_pairs = true},
      &tokenizer);
  const Stranger stranger = test.connect_stranger();
  uint32_t seen = 0;
  for (const uint32_t second_begins : {0U, 4U, 8U, 9U, 1U << 20, UINT32_MAX}) {
    stranger.raw->push({.opcode = Opcode::embed,
                        .text_bytes = 8,
                        .input = static_cast<uint32_t>(Input::pair),
                        .second_begins = second_begins});
    EXPECT_EQ(wait_for_completion(*stranger.raw, seen++).status,
              second_begins <= 8 ? CompletionStatus::ok : CompletionStatus::invalid_entry)
        << second_begins;
  }
}

}  // namespace
}  // namespace hilo
