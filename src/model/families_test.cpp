// Goal: each family's config.json and tensors are read as transformers means them, and what a
// family has of its own is refused with its name when it is missing or of a kind that hilo does not
// know. Method: the models of tests/golden/families, which transformers wrote; each test changes
// one thing.
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/header_test_support.h"
#include "model/model.h"
#include "model/model_test_support.h"
#include "model/relative_bucket.h"

namespace hilo {
namespace {

using nlohmann::json;
using test::accepted;
using test::header_of;
using test::says;
using test::TemporaryDirectory;
using test::TestModel;

std::filesystem::path directory_of(const std::string& name) {
  return std::filesystem::path{HILO_SOURCE_DIR} / "tests/golden/families" / name;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// The files of a family but its weights.
TestModel configuration_of(const std::string& name) {
  const auto read = [&](const char* file) {
    const std::filesystem::path path = directory_of(name) / file;
    return std::filesystem::exists(path) ? json::parse(read_text(path)) : json{};
  };
  return {.config = read("config.json"),
          .modules = read("modules.json"),
          .pooling = read("1_Pooling/config.json"),
          .sentence = {},
          .prompts = {},
          .tokenizer = {},
          .tensors = {}};
}

std::string refusal(const std::string& name, const std::function<void(TestModel&)>& breakage) {
  TestModel model = configuration_of(name);
  breakage(model);
  const Result<ModelHeader> header = header_of(model);
  return header ? "(accepted)" : header.error().message;
}

// The refusal of a config.json in which one member has another value.
std::string refusal_with(const std::string& name, const char* key, const json& value) {
  return refusal(name, [&](TestModel& model) { model.config[key] = value; });
}

TEST(Families, DifferInPositionsTypesAndBias) {
  const EncoderConfig distilbert = accepted(configuration_of("distilbert")).encoder;
  EXPECT_EQ(distilbert.layers, 2U);
  EXPECT_EQ(distilbert.hidden, 64U);
  EXPECT_EQ(distilbert.heads, 2U);
  EXPECT_EQ(distilbert.intermediate, 128U);
  EXPECT_EQ(distilbert.token_types, 0U);
  EXPECT_EQ(distilbert.layer_norm_epsilon, 1e-12F);
  EXPECT_EQ(distilbert.text_tokens_max(), 40U);
  EXPECT_FALSE(distilbert.relative_bias);

  for (const char* name : {"roberta", "xlm_roberta"}) {
    const EncoderConfig roberta = accepted(configuration_of(name)).encoder;
    EXPECT_EQ(roberta.token_types, 1U);
    EXPECT_EQ(roberta.padding_id, 1U);
    EXPECT_EQ(roberta.first_position(), 2U);
    EXPECT_EQ(roberta.text_tokens_max(), 38U);
    EXPECT_EQ(roberta.layer_norm_epsilon, 1e-5F);
  }

  const EncoderConfig mpnet = accepted(configuration_of("mpnet")).encoder;
  EXPECT_EQ(mpnet.token_types, 0U);
  EXPECT_EQ(mpnet.first_position(), 2U);
  EXPECT_TRUE(mpnet.relative_bias);
}

TEST(Families, LeaveTextsTheTokensThatHaveAPosition) {
  EXPECT_EQ(accepted(configuration_of("roberta")).tokens_max, 38U);
  TestModel model = configuration_of("roberta");
  model.sentence = {{"max_seq_length", 512}};
  EXPECT_EQ(accepted(model).tokens_max, 38U);
  model.config["pad_token_id"] = 4;
  EXPECT_EQ(accepted(model).tokens_max, 35U);
}

TEST(Families, PoolByMeanFirstOrLastToken) {
  EXPECT_EQ(accepted(configuration_of("mpnet")).pooling, Pooling::mean);
  EXPECT_EQ(accepted(configuration_of("roberta")).pooling, Pooling::cls);
  EXPECT_EQ(accepted(configuration_of("bert_last_token")).pooling, Pooling::last);
}

TEST(Families, RefuseWhatTheyCannotBe) {
  EXPECT_THAT(refusal_with("roberta", "model_type", "deberta-v2"),
              says("config.json",
                   "model_type is \"deberta-v2\", but hilo computes only bert, distilbert, "
                   "roberta, xlm-roberta and mpnet"));
  EXPECT_THAT(refusal_with("distilbert", "activation", "relu"),
              says("config.json", "activation is \"relu\", but hilo computes only \"gelu\""));
  EXPECT_THAT(refusal_with("mpnet", "hidden_act", "gelu_new"),
              says("config.json", "hidden_act is \"gelu_new\""));
  EXPECT_THAT(refusal_with("distilbert", "dim", nullptr), says("config.json", "lacks dim"));
  EXPECT_THAT(refusal_with("distilbert", "n_heads", 3),
              says("config.json", "n_heads (3) does not divide dim (64)"));
  EXPECT_THAT(refusal_with("roberta", "pad_token_id", 48),
              says("config.json", "pad_token_id must be a whole number from 0 to 47"));
  EXPECT_THAT(refusal_with("roberta", "pad_token_id", -1), says("config.json", "pad_token_id"));
  EXPECT_THAT(refusal_with("roberta", "max_position_embeddings", 4),
              says("config.json", "max_position_embeddings must be a whole number from 5"));
  EXPECT_THAT(refusal_with("roberta", "type_vocab_size", 0),
              says("config.json", "type_vocab_size"));
  EXPECT_THAT(refusal_with("mpnet", "relative_attention_num_buckets", 64),
              says("config.json", "relative_attention_num_buckets must be a whole number from 32"));
}

TEST(CrossEncoders, HaveOneNumberForATextAndNoPooling) {
  for (const char* name :
       {"bert_cross_encoder", "mpnet_cross_encoder", "xlm_roberta_cross_encoder"}) {
    const ModelHeader header = accepted(configuration_of(name));
    EXPECT_EQ(header.dims(), 1U) << name;
    EXPECT_TRUE(header.score) << name;
    EXPECT_FALSE(header.normalize) << name;
    EXPECT_EQ(header.score_label, "LABEL_0") << name;
  }
  EXPECT_EQ(accepted(configuration_of("roberta")).score_label, "");
  // As sentence-transformers saves one.
  TestModel model = configuration_of("bert_cross_encoder");
  model.modules = json::array({{{"path", ""}, {"type", "sentence_transformers.m.Transformer"}}});
  EXPECT_EQ(accepted(model).dims(), 1U);
  model.config["id2label"] = {{"0", "relevance"}};
  EXPECT_EQ(accepted(model).score_label, "relevance");
  model.config["id2label"] = {{"0", 7}};
  EXPECT_EQ(accepted(model).score_label, "LABEL_0");
  // A classifier's encoder that was made one for embeddings.
  TestModel embedding = configuration_of("roberta");
  embedding.config["architectures"] = json::array({"RobertaForSequenceClassification"});
  EXPECT_FALSE(accepted(embedding).score);
}

TEST(CrossEncoders, ScoreByTheFunctionThatIsNamedLast) {
  const char* sigmoid = "torch.nn.modules.activation.Sigmoid";
  const char* identity = "torch.nn.modules.linear.Identity";
  TestModel model = configuration_of("bert_cross_encoder");
  EXPECT_EQ(accepted(model).score, ScoreFunction::sigmoid);
  model.config["sbert_ce_default_activation_function"] = identity;
  EXPECT_EQ(accepted(model).score, ScoreFunction::identity);
  model.config["sentence_transformers"] = {{"activation_fn", sigmoid}};
  EXPECT_EQ(accepted(model).score, ScoreFunction::sigmoid);
  model.prompts = {{"activation_fn", identity}};
  EXPECT_EQ(accepted(model).score, ScoreFunction::identity);
}

TEST(CrossEncoders, RefuseWhatIsNoSingleScore) {
  const std::string name = "bert_cross_encoder";
  EXPECT_THAT(refusal_with(name, "id2label", {{"0", "no"}, {"1", "maybe"}, {"2", "yes"}}),
              says("config.json",
                   "gives 3 labels to a text, but hilo computes a cross-encoder's "
                   "single score only"));
  EXPECT_THAT(refusal_with(name, "id2label", nullptr), says("config.json", "gives 2 labels"));
  EXPECT_THAT(refusal_with(name, "sentence_transformers", {{"activation_fn", "torch.nn.Tanh"}}),
              says("config.json",
                   "activation_fn is torch.nn.Tanh, but hilo computes scores by "
                   "Sigmoid or Identity only"));
  EXPECT_THAT(refusal_with(name, "sentence_transformers", 7),
              says("config.json", "must hold a JSON object"));
  EXPECT_THAT(refusal(name,
                      [](TestModel& model) {
                        model.prompts = {{"activation_fn", "Custom"}};
                      }),
              says("config_sentence_transformers.json", "activation_fn is Custom"));
  EXPECT_THAT(refusal("distilbert",
                      [](TestModel& model) {
                        model.modules = nullptr;
                        model.config["id2label"] = {{"0", "score"}};
                        model.config["architectures"] =
                            json::array({"DistilBertForSequenceClassification"});
                      }),
              says("config.json", "is a DistilBERT cross-encoder"));
}

// The refusal to load a family's weights after `change`.
std::string refusal_of_weights(const std::string& name,
                               const std::function<void(TestModel&, std::string&)>& change) {
  TestModel model = configuration_of(name);
  std::string weights = read_text(directory_of(name) / "model.safetensors");
  change(model, weights);
  const TemporaryDirectory directory;
  model.write_configuration(directory.path());
  test::write_file(directory.path() / "model.safetensors", weights);
  const Result<ModelHeader> header = read_model_header(directory.path());
  if (!header) return header.error().message;
  const Result<Model> loaded = load_model(*header);
  return loaded ? "(accepted)" : loaded.error().message;
}

std::string refusal_without(const std::string& name, const std::string& tensor) {
  return refusal_of_weights(name, [&](TestModel&, std::string& weights) {
    const size_t at = weights.find(fmt::format("\"{}\"", tensor));
    ASSERT_NE(at, std::string::npos) << tensor;
    weights[at + 1] = '_';  // It has another name now.
  });
}

TEST(FamilyWeights, RefuseToBeIncomplete) {
  for (const auto& [name, tensor] : std::vector<std::pair<std::string, std::string>>{
           {"distilbert", "embeddings.word_embeddings.weight"},
           {"distilbert", "transformer.layer.1.attention.q_lin.weight"},
           {"distilbert", "transformer.layer.0.sa_layer_norm.bias"},
           {"roberta", "embeddings.token_type_embeddings.weight"},
           {"mpnet", "encoder.relative_attention_bias.weight"},
           {"mpnet", "encoder.layer.0.attention.attn.o.bias"},
           {"bert_cross_encoder", "bert.embeddings.LayerNorm.weight"},
           {"bert_cross_encoder", "bert.pooler.dense.weight"},
           {"bert_cross_encoder", "classifier.bias"},
           {"xlm_roberta_cross_encoder", "roberta.encoder.layer.1.output.dense.bias"},
           {"xlm_roberta_cross_encoder", "classifier.out_proj.weight"}}) {
    EXPECT_THAT(refusal_without(name, tensor),
                says("model.safetensors", fmt::format("lacks tensor {}", tensor)));
  }
}

TEST(FamilyWeights, RefuseOtherShapes) {
  EXPECT_THAT(refusal_of_weights("mpnet", [](TestModel& model,
                                             auto&) { model.config["num_attention_heads"] = 2; }),
              says("model.safetensors",
                   "tensor encoder.relative_attention_bias.weight has the "
                   "shape [32, 4], but config.json asks for [32, 2]"));
  EXPECT_THAT(refusal_of_weights(
                  "roberta", [](TestModel& model, auto&) { model.config["type_vocab_size"] = 2; }),
              says("model.safetensors", "has the shape [1, 32], but config.json asks for [2, 32]"));
  EXPECT_THAT(refusal_of_weights("bert_cross_encoder",
                                 [](TestModel&, std::string& weights) {
                                   const std::string shape = "\"shape\":[1,32]";
                                   const size_t at = weights.find(shape);
                                   ASSERT_NE(at, std::string::npos);
                                   weights.replace(at, shape.size(), "\"shape\":[32,1]");
                                 }),
              says("model.safetensors",
                   "tensor classifier.weight has the shape [32, 1], but "
                   "config.json asks for [1, 32]"));
}

// The values of transformers' MPNetEncoder.relative_position_bucket.
TEST(RelativeBucket, IsThatOfTransformers) {
  struct Case {
    int32_t distance;
    uint32_t bucket;
  };
  for (const auto& [distance, bucket] :
       std::vector<Case>{{0, 0},    {1, 1},    {7, 7},          {8, 8},         {11, 8},  {12, 9},
                         {15, 9},   {16, 10},  {22, 10},        {23, 11},       {31, 11}, {32, 12},
                         {45, 12},  {46, 13},  {63, 13},        {64, 14},       {90, 14}, {91, 15},
                         {128, 15}, {512, 15}, {1'000'000, 15}, {INT32_MAX, 15}}) {
    EXPECT_EQ(relative_bucket(-distance), bucket) << distance;
    EXPECT_EQ(relative_bucket(distance), distance == 0 ? 0 : bucket + 16) << distance;
  }
}

}  // namespace
}  // namespace hilo
