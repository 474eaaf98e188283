// Goal: what a model directory says is read as sentence-transformers reads it, and what hilo cannot
// compute exactly, or cannot trust, is refused with a sentence that names file and cause.
// Method: a good small model; each test changes one thing.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/header_test_support.h"
#include "model/model.h"
#include "model/model_test_support.h"

namespace hilo {
namespace {

using nlohmann::json;
using test::accepted;
using test::header_of;
using test::make_test_model;
using test::says;
using test::TemporaryDirectory;
using test::TestModel;
using testing::HasSubstr;

std::string refusal(const std::function<void(TestModel&)>& breakage) {
  TestModel model = make_test_model();
  breakage(model);
  const Result<ModelHeader> header = header_of(model);
  return header ? "(accepted)" : header.error().message;
}

TEST(ModelHeader, ReadsEverything) {
  TestModel model = make_test_model();
  model.prompts["default_prompt_name"] = "query";
  const ModelHeader header = accepted(model);
  EXPECT_EQ(header.encoder.layers, 2U);
  EXPECT_EQ(header.encoder.hidden, 16U);
  EXPECT_EQ(header.encoder.heads, 4U);
  EXPECT_EQ(header.encoder.intermediate, 32U);
  EXPECT_EQ(header.encoder.vocabulary, 50U);
  EXPECT_EQ(header.encoder.positions_max, 24U);
  EXPECT_EQ(header.encoder.token_types, 2U);
  EXPECT_EQ(header.encoder.layer_norm_epsilon, 1e-12F);
  EXPECT_EQ(header.dims(), 16U);
  EXPECT_EQ(header.pooling, Pooling::mean);
  EXPECT_TRUE(header.normalize);
  EXPECT_EQ(header.tokens_max, 20U);
  ASSERT_EQ(header.prompts.size(), 2U);
  EXPECT_EQ(header.prompts[1].name, "query");
  EXPECT_EQ(header.prompts[1].text, "query: ");
  EXPECT_EQ(header.default_prompt_name, "query");
}

TEST(ModelHeader, NameIsTheDirectorysAlsoWithASlashAtItsEnd) {
  const TemporaryDirectory directory;
  make_test_model().write_configuration(directory.path() / "my-model");
  for (const char* way : {"my-model", "my-model/", "./my-model/../my-model"}) {
    const Result<ModelHeader> header = read_model_header(directory.path() / way);
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_EQ(header->name, "my-model");
  }
}

TEST(ModelHeader, NameLooksPastDirectoriesThatSayNothing) {
  const TemporaryDirectory directory;
  for (const auto& [place, name] : std::initializer_list<std::pair<const char*, const char*>>{
           {"some_package/model", "some_package"},
           {"hub/models--team--tiny-bert/snapshots/0a1b2c", "tiny-bert"},
           {"snapshots/0a1b2c", "0a1b2c"}}) {
    make_test_model().write_configuration(directory.path() / place);
    const Result<ModelHeader> header = read_model_header(directory.path() / place);
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_EQ(header->name, name);
  }
}

TEST(ModelHeader, WithoutSentenceFilesPoolsByMeanAndDoesNotNormalize) {
  TestModel model = make_test_model();
  model.modules = model.pooling = model.sentence = model.prompts = model.tokenizer = nullptr;
  const ModelHeader header = accepted(model);
  EXPECT_EQ(header.pooling, Pooling::mean);
  EXPECT_FALSE(header.normalize);
  EXPECT_EQ(header.tokens_max, 24U);
  EXPECT_TRUE(header.prompts.empty());
}

TEST(ModelHeader, LengthIsTheSentenceFilesElseTheTokenizersAndAtMostThePositions) {
  struct Case {
    json sentence, tokenizer;
    uint32_t tokens_max;
  };
  const json huge = 1e30;  // what Hugging Face writes for "no limit"
  for (const auto& [sentence, tokenizer, tokens_max] : std::vector<Case>{{10, 22, 10},
                                                                         {22, 10, 22},
                                                                         {512, 22, 24},
                                                                         {nullptr, 22, 22},
                                                                         {nullptr, huge, 24},
                                                                         {nullptr, nullptr, 24},
                                                                         {huge, 22, 24}}) {
    TestModel model = make_test_model();
    model.sentence["max_seq_length"] = sentence;
    model.tokenizer["model_max_length"] = tokenizer;
    EXPECT_EQ(accepted(model).tokens_max, tokens_max) << sentence << " " << tokenizer;
  }
}

TEST(ModelHeader, ReadsBothFormsOfPooling) {
  for (const json& pooling : {json{{"pooling_mode_cls_token", true}}, json{{"pooling_mode", "cls"}},
                              json{{"pooling_mode", json::array({"cls"})}}}) {
    TestModel model = make_test_model();
    model.pooling = pooling;
    EXPECT_EQ(accepted(model).pooling, Pooling::cls) << pooling;
  }
}

TEST(ModelHeader, ReadsTheTransformerWhereModulesPutIt) {
  const TemporaryDirectory directory;
  TestModel model = make_test_model();
  model.modules[0]["path"] = "0_Transformer";
  model.modules[1]["type"] = "sentence_transformers.sentence_transformer.modules.pooling.Pooling";
  model.modules.erase(2);
  model.write_configuration(directory.path());
  std::filesystem::create_directory(directory.path() / "0_Transformer");
  std::filesystem::rename(directory.path() / "config.json",
                          directory.path() / "0_Transformer/config.json");
  const Result<ModelHeader> header = read_model_header(directory.path());
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->directory, directory.path() / "0_Transformer");
  EXPECT_FALSE(header->normalize);
}

TEST(ModelHeader, RefusesADirectoryThatIsNone) {
  const TemporaryDirectory directory;
  const auto message = [](const std::filesystem::path& path) {
    const Result<ModelHeader> header = read_model_header(path);
    return header ? "(accepted)" : header.error().message;
  };
  EXPECT_THAT(message(directory.path() / "none"), says("none", "No such file or directory"));
  test::write_file(directory.path() / "file", "x");
  EXPECT_THAT(message(directory.path() / "file"), says("file", "Not a directory"));
  EXPECT_THAT(message(directory.path() / "file/below"), says("below", "Not a directory"));
  EXPECT_THAT(message(""), HasSubstr("cannot be read as a model directory"));
  EXPECT_THAT(message(directory.path()), says("config.json", "No such file or directory"));
  std::filesystem::create_directory(directory.path() / "config.json");
  EXPECT_THAT(message(directory.path()), says("config.json", "is not a regular file"));
}

TEST(ModelHeader, RefusesModelsItCannotComputeExactly) {
  const auto with = [](const char* key, const json& value) {
    return refusal([&](TestModel& model) { model.config[key] = value; });
  };
  EXPECT_THAT(with("model_type", "t5"),
              says("config.json", "model_type is \"t5\", but hilo computes only bert"));
  EXPECT_THAT(with("model_type", nullptr), says("config.json", "model_type"));
  EXPECT_THAT(with("model_type", 7), says("config.json", "model_type must be a text"));
  EXPECT_THAT(with("position_embedding_type", "relative_key"),
              says("config.json", "position_embedding_type is \"relative_key\""));
  for (const char* activation : {"gelu_new", "relu", "silu", ""}) {
    EXPECT_THAT(with("hidden_act", activation), says("config.json", "hidden_act is"));
  }
  EXPECT_THAT(with("is_decoder", true), says("config.json", "is_decoder is true"));
  EXPECT_THAT(with("num_attention_heads", 3),
              says("config.json", "num_attention_heads (3) does not divide hidden_size (16)"));
}

TEST(ModelHeader, RefusesSizesThatAreNone) {
  for (const char* key : {"hidden_size", "num_hidden_layers", "num_attention_heads",
                          "intermediate_size", "vocab_size", "max_position_embeddings"}) {
    EXPECT_THAT(refusal([&](TestModel& model) { model.config.erase(key); }),
                says("config.json", std::string{"lacks "} + key));
    for (const json& value :
         {json(0), json(-1), json(1.5), json("16"), json(1e300), json(~uint64_t{0}),
          json(uint64_t{1} << 32), json(std::numeric_limits<double>::quiet_NaN()),
          json::array({16}), json(true)}) {
      EXPECT_THAT(refusal([&](TestModel& model) { model.config[key] = value; }),
                  says("config.json", key))
          << value;
    }
  }
  for (const json& value : {json(0), json(-1e-12), json("1e-12"), json(1e300)}) {
    EXPECT_THAT(refusal([&](TestModel& model) { model.config["layer_norm_eps"] = value; }),
                says("config.json", "layer_norm_eps must be a number from"));
  }
  EXPECT_THAT(refusal([](TestModel& model) { model.config = json::array(); }),
              says("config.json", "must hold a JSON object"));
}

TEST(ModelHeader, RefusesModulesItDoesNotKnow) {
  const auto with = [](const std::function<void(json&)>& change) {
    return refusal([&](TestModel& model) { change(model.modules); });
  };
  EXPECT_THAT(with([](json& list) { list[2]["type"] = "sentence_transformers.models.Dense"; }),
              says("modules.json", "has the module sentence_transformers.models.Dense"));
  EXPECT_THAT(with([](json& list) { std::swap(list[1], list[2]); }),
              says("modules.json", "in a place where hilo does not know it"));
  EXPECT_THAT(with([](json& list) { list.erase(0); }), says("modules.json", "has the module"));
  EXPECT_THAT(with([](json& list) { list.erase(1); }),
              says("modules.json", "names no Pooling module"));
  EXPECT_THAT(with([](json& list) { list = json::array(); }), says("modules.json", "1 to 16"));
  EXPECT_THAT(with([](json& list) { list = 7; }), says("modules.json", "must hold a list"));
  EXPECT_THAT(with([](json& list) { list[1] = 7; }),
              says("modules.json", "must hold a JSON object"));
  for (const char* place : {"/etc", "../1_Pooling", "1_Pooling/../../x"}) {
    EXPECT_THAT(with([&](json& list) { list[1]["path"] = place; }),
                says("modules.json", "outside of the model's directory"));
  }
}

TEST(ModelHeader, RefusesPoolingItCannotCompute) {
  const auto with = [](const json& pooling) {
    return refusal([&](TestModel& model) { model.pooling = pooling; });
  };
  EXPECT_THAT(with({{"pooling_mode_max_tokens", true}}),
              says("1_Pooling/config.json", "asks for the pooling max"));
  EXPECT_THAT(with({{"pooling_mode_cls_token", true}, {"pooling_mode_mean_tokens", true}}),
              says("1_Pooling/config.json", "the pooling cls and mean"));
  EXPECT_THAT(with({{"pooling_mode", "weightedmean"}}),
              says("1_Pooling/config.json", "the pooling weightedmean"));
  EXPECT_THAT(with({{"word_embedding_dimension", 17}}),
              says("1_Pooling/config.json", "word_embedding_dimension is 17"));
  EXPECT_THAT(with({{"include_prompt", false}}),
              says("1_Pooling/config.json", "include_prompt is false"));
  EXPECT_THAT(with(nullptr), says("1_Pooling/config.json", "No such file"));
}

TEST(ModelHeader, RefusesLengthsPromptsAndCasingThatMakeNoSense) {
  for (const json& length : {json(0), json(2), json(-5), json("20"), json(2.5)}) {
    EXPECT_THAT(refusal([&](TestModel& model) { model.sentence["max_seq_length"] = length; }),
                says("sentence_bert_config.json", "max_seq_length must be a whole number"));
  }
  EXPECT_THAT(refusal([](TestModel& model) {
                model.sentence["do_lower_case"] = true;
                model.tokenizer["do_lower_case"] = false;
              }),
              says("sentence_bert_config.json", "do_lower_case is true while"));
  const std::string file = "config_sentence_transformers.json";
  EXPECT_THAT(refusal([](TestModel& model) { model.prompts["prompts"] = 7; }),
              says(file, "prompts must be an object"));
  EXPECT_THAT(refusal([](TestModel& model) { model.prompts["prompts"]["query"] = 7; }),
              says(file, "prompt \"query\" is not a text"));
  EXPECT_THAT(refusal([](TestModel& model) { model.prompts["default_prompt_name"] = "none"; }),
              says(file, "default_prompt_name is \"none\", but there is no such prompt"));
}

// Method: each configuration file is cut at every length, and replaced by things that are not JSON.
TEST(ModelHeader, RefusesFilesCutAnywhere) {
  const TemporaryDirectory directory;
  make_test_model().write_configuration(directory.path());
  for (const std::string name :
       {"config.json", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json",
        "config_sentence_transformers.json", "tokenizer_config.json"}) {
    const auto path = directory.path() / name;
    const std::string whole = [&] {
      std::ifstream file{path};
      return std::string{std::istreambuf_iterator<char>{file}, {}};
    }();
    for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
      test::write_file(path, std::string_view{whole}.substr(0, bytes));
      const Result<ModelHeader> header = read_model_header(directory.path());
      ASSERT_FALSE(header) << name << " cut at " << bytes;
      ASSERT_THAT(header.error().message, says(name, "is not valid JSON"));
    }
    test::write_file(path, std::string(100'000, '['));
    const Result<ModelHeader> header = read_model_header(directory.path());
    ASSERT_FALSE(header);
    EXPECT_THAT(header.error().message, says(name, "is nested more than"));
    test::write_file(path, whole);
  }
  EXPECT_TRUE(read_model_header(directory.path()));
}

}  // namespace
}  // namespace hilo
