// Goal: every tensor of an encoder arrives with the values its file has, whatever the layout of the
// files, and a model with a tensor that is missing or of another kind is refused with its name.
#include <bit>
#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/header_test_support.h"
#include "model/model.h"
#include "model/model_test_support.h"

namespace hilo {
namespace {

using test::make_test_model;
using test::says;
using test::TemporaryDirectory;
using test::TestModel;
using test::TestTensor;
using test::TestTensors;
using testing::AllOf;
using testing::HasSubstr;

Result<Model> load(const std::filesystem::path& directory) {
  const Result<ModelHeader> header = read_model_header(directory);
  if (!header) return header.error();
  return load_model(*header);
}

// Loads a model from files that are gone afterwards, as they may be.
Model loaded(const TestModel& model) {
  const TemporaryDirectory directory;
  model.write(directory.path());
  Result<Model> result = load(directory.path());
  EXPECT_TRUE(result) << result.error().message;
  return result ? *std::move(result) : Model{};
}

std::string loading_refusal(const std::function<void(TestModel&)>& breakage) {
  TestModel model = make_test_model();
  breakage(model);
  const TemporaryDirectory directory;
  model.write(directory.path());
  const Result<Model> result = load(directory.path());
  return result ? "(accepted)" : result.error().message;
}

// The values of a tensor, to be compared with what was written.
std::vector<float> values(const Tensor& tensor) {
  return {tensor.data, tensor.data + size_t{tensor.rows} * tensor.columns};
}

std::vector<float> values(const TestTensor& tensor) {
  std::vector<float> floats(tensor.bytes.size() / sizeof(float));
  std::memcpy(floats.data(), tensor.bytes.data(), tensor.bytes.size());
  return floats;
}

// All tensors of an encoder of two layers, by the name that each has in a file.
std::map<std::string, Tensor> by_name(const EncoderWeights& weights) {
  std::map<std::string, Tensor> all{
      {"embeddings.word_embeddings.weight", weights.word_embeddings},
      {"embeddings.position_embeddings.weight", weights.position_embeddings},
      {"embeddings.token_type_embeddings.weight", weights.token_type_embeddings}};
  const auto add = [&](const std::string& name, const Tensor& weight, const Tensor& bias) {
    all[name + ".weight"] = weight;
    all[name + ".bias"] = bias;
  };
  add("embeddings.LayerNorm", weights.embedding_norm.gamma, weights.embedding_norm.beta);
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    const LayerWeights& layer = weights.layers[i];
    const std::string name = fmt::format("encoder.layer.{}.", i);
    const auto add_linear = [&](const char* part, const LinearWeights& linear) {
      add(name + part, linear.weight, linear.bias);
    };
    add_linear("attention.self.query", layer.query);
    add_linear("attention.self.key", layer.key);
    add_linear("attention.self.value", layer.value);
    add_linear("attention.output.dense", layer.attention_output);
    add_linear("intermediate.dense", layer.intermediate);
    add_linear("output.dense", layer.output);
    add(name + "attention.output.LayerNorm", layer.attention_norm.gamma, layer.attention_norm.beta);
    add(name + "output.LayerNorm", layer.output_norm.gamma, layer.output_norm.beta);
  }
  return all;
}

void expect_same_values(const Model& model, const TestTensors& written) {
  const std::map<std::string, Tensor> tensors = by_name(model.weights);
  EXPECT_EQ(tensors.size(), written.size() - 2);  // Nobody needs the two of the pooler.
  for (const auto& [name, tensor] : tensors) {
    ASSERT_NE(tensor.data, nullptr) << name;
    const TestTensor& expected = written.at(name);
    EXPECT_EQ(tensor.rows, expected.shape.size() == 1 ? 1 : expected.shape[0]) << name;
    EXPECT_EQ(tensor.columns, expected.shape.back()) << name;
    EXPECT_EQ(values(tensor), values(expected)) << name;
  }
}

TEST(Weights, ArriveAsWritten) {
  const TestModel model = make_test_model();
  expect_same_values(loaded(model), model.tensors);
}

TEST(Weights, MayHaveThePrefixBert) {
  TestModel model = make_test_model();
  const TestTensors bare = std::exchange(model.tensors, {});
  for (const auto& [name, tensor] : bare) model.tensors["bert." + name] = tensor;
  model.tensors["cls.predictions.bias"] = TestTensor::f32({1}, {0});
  expect_same_values(loaded(model), bare);
}

TEST(Weights, MayCallNormsGammaAndBeta) {
  TestModel model = make_test_model();
  const TestTensors modern = std::exchange(model.tensors, {});
  for (const auto& [name, tensor] : modern) {
    const size_t at = name.find("LayerNorm.");
    const char* old_name = name.ends_with("weight") ? "LayerNorm.gamma" : "LayerNorm.beta";
    model.tensors[at == std::string::npos ? name : name.substr(0, at) + old_name] = tensor;
  }
  expect_same_values(loaded(model), modern);
}

TEST(Weights, MayLieAtOddAddresses) {
  TestModel model = make_test_model();
  const TestTensors written = model.tensors;
  model.tensors["a"] = {"U8", {1}, "x"};  // sorts first, and moves all others by one byte
  expect_same_values(loaded(model), written);
}

// Method: values whose float is known, put in place of the word embeddings' first ones.
TEST(Weights, HalfAndBrainFloatsAreWidenedExactly) {
  struct Case {
    const char* type;
    uint16_t bits;
    float value;
  };
  for (const auto& [type, bits, value] : std::vector<Case>{{"F16", 0x0000, 0.0F},
                                                           {"F16", 0x8000, -0.0F},
                                                           {"F16", 0x3C00, 1.0F},
                                                           {"F16", 0xC500, -5.0F},
                                                           {"F16", 0x3555, 0.333251953125F},
                                                           {"F16", 0x7BFF, 65504.0F},
                                                           {"F16", 0x0400, 0x1p-14F},
                                                           {"F16", 0x0001, 0x1p-24F},
                                                           {"F16", 0x83FF, -0x3FFp-24F},
                                                           {"F16", 0x7C00, INFINITY},
                                                           {"F16", 0xFC00, -INFINITY},
                                                           {"BF16", 0x3F80, 1.0F},
                                                           {"BF16", 0xC0A0, -5.0F},
                                                           {"BF16", 0x0001, 0x1p-133F},
                                                           {"BF16", 0x7F80, INFINITY}}) {
    TestModel model = make_test_model();
    TestTensor& words = model.tensors.at("embeddings.word_embeddings.weight");
    words.type = type;
    words.bytes.resize(words.bytes.size() / 2);
    std::memcpy(words.bytes.data() + 2, &bits, sizeof bits);
    const Model result = loaded(model);
    EXPECT_EQ(std::bit_cast<uint32_t>(result.weights.word_embeddings.data[1]),
              std::bit_cast<uint32_t>(value))
        << type << " " << bits;
  }
}

TEST(Weights, HalfNotANumberStaysNotANumber) {
  TestModel model = make_test_model();
  TestTensor& bias = model.tensors.at("embeddings.LayerNorm.bias");
  bias.type = "F16";
  bias.bytes.assign(bias.bytes.size() / 2, '\x7E');
  EXPECT_TRUE(std::isnan(loaded(model).weights.embedding_norm.beta.data[0]));
}

TEST(Weights, RefusesTensorsThatAreMissingOrOfAnotherKind) {
  const std::string name = "encoder.layer.1.attention.self.key.weight";
  EXPECT_THAT(loading_refusal([&](TestModel& model) { model.tensors.erase(name); }),
              says("model.safetensors", "lacks tensor " + name));
  EXPECT_THAT(loading_refusal([](TestModel& model) { model.tensors.clear(); }),
              says("model.safetensors", "lacks tensor embeddings.word_embeddings.weight"));
  EXPECT_THAT(loading_refusal([](TestModel& model) { model.config["num_hidden_layers"] = 3; }),
              says("model.safetensors", "lacks tensor encoder.layer.2."));
  EXPECT_THAT(
      loading_refusal([&](TestModel& model) { model.tensors.at(name).shape = {256}; }),
      says("model.safetensors", name + " has the shape [256], but config.json asks for [16, 16]"));
  EXPECT_THAT(
      loading_refusal([](TestModel& model) { model.config["vocab_size"] = 51; }),
      says("model.safetensors", "has the shape [50, 16], but config.json asks for [51, 16]"));
  for (const auto& [type, bytes] :
       std::map<std::string, size_t>{{"F64", 8}, {"I32", 4}, {"I8", 1}}) {
    EXPECT_THAT(loading_refusal([&](TestModel& model) {
                  TestTensor& tensor = model.tensors.at(name);
                  tensor.type = type;
                  tensor.bytes.assign(256 * bytes, '\0');
                }),
                says("model.safetensors", name + " is of type " + type));
  }
  // The name of a type is whatever the file says, so it must not reach a terminal as it is.
  EXPECT_THAT(loading_refusal([&](TestModel& model) { model.tensors.at(name).type = "\x1B[2J"; }),
              says("model.safetensors", "is of type ?[2J"));
}

TEST(Weights, RefusesAFileCutAnywhere) {
  const TemporaryDirectory directory;
  make_test_model({.layers = 1,
                   .hidden = 4,
                   .heads = 1,
                   .intermediate = 4,
                   .vocabulary = 5,
                   .positions_max = 4})
      .write(directory.path());
  const auto path = directory.path() / "model.safetensors";
  ASSERT_TRUE(load(directory.path()));
  for (auto bytes = std::filesystem::file_size(path); bytes-- > 0;) {
    std::filesystem::resize_file(path, bytes);
    const Result<Model> model = load(directory.path());
    ASSERT_FALSE(model) << bytes;
    ASSERT_THAT(model.error().message, says("model.safetensors", "fetch the model again"));
  }
}

TEST(Weights, PicklesAreRefusedWithAdvice) {
  const TemporaryDirectory directory;
  make_test_model().write_configuration(directory.path());
  const auto message = [&] {
    const Result<Model> model = load(directory.path());
    return model ? "(accepted)" : model.error().message;
  };
  EXPECT_THAT(message(), says("model.safetensors", "there is no such file"));
  test::write_file(directory.path() / "pytorch_model.bin", "x");
  EXPECT_THAT(message(), AllOf(says("pytorch_model.bin", "is a pickle"), HasSubstr("convert it"),
                               HasSubstr("save_pretrained(")));
}

// A model whose tensors lie in two files, dealt out in turn, with the index that says where.
class ShardedModel : public testing::Test {
 protected:
  ShardedModel() {
    const std::string names[] = {"model-1-of-2.safetensors", "model-2-of-2.safetensors"};
    TestTensors shards[2];
    size_t next = 0;
    for (const auto& [name, tensor] : model_.tensors) {
      index_["weight_map"][name] = names[next % 2];
      shards[next++ % 2][name] = tensor;
    }
    model_.write_configuration(directory_.path());
    for (size_t i = 0; i < 2; ++i) {
      test::write_file(directory_.path() / names[i], test::safetensors_file(shards[i]));
    }
  }

  Result<Model> load_with_index() {
    test::write_file(directory_.path() / "model.safetensors.index.json", index_.dump());
    return load(directory_.path());
  }
  std::string refusal_of_index() {
    const Result<Model> model = load_with_index();
    return model ? "(accepted)" : model.error().message;
  }

  TemporaryDirectory directory_;
  TestModel model_ = make_test_model();
  nlohmann::json index_;
};

TEST_F(ShardedModel, Loads) {
  const Result<Model> model = load_with_index();
  ASSERT_TRUE(model) << model.error().message;
  expect_same_values(*model, model_.tensors);
}

TEST_F(ShardedModel, RefusesAnIndexThatLies) {
  const std::string file = "model.safetensors.index.json";
  const std::string words = "embeddings.word_embeddings.weight";
  const nlohmann::json good = index_;

  index_["weight_map"].erase(words);
  EXPECT_THAT(refusal_of_index(), says(file, "lacks tensor " + words));
  index_ = good;
  const bool in_first = good["weight_map"][words] == "model-1-of-2.safetensors";
  const std::string other = in_first ? "model-2-of-2.safetensors" : "model-1-of-2.safetensors";
  index_["weight_map"][words] = other;
  EXPECT_THAT(refusal_of_index(), says(other, "lacks tensor " + words));
  index_["weight_map"][words] = "model-3-of-2.safetensors";
  EXPECT_THAT(refusal_of_index(), says("model-3-of-2.safetensors", "No such file"));
  for (const nlohmann::json& place :
       {nlohmann::json("../model.safetensors"), nlohmann::json("/etc/passwd"), nlohmann::json(".."),
        nlohmann::json("."), nlohmann::json(""), nlohmann::json(7),
        nlohmann::json(std::string{"a\0b", 3})}) {
    index_["weight_map"][words] = place;
    EXPECT_THAT(refusal_of_index(), says(file, "other than a file of its directory")) << place;
  }
  for (const char* whole : {"{}", "[]", "7", R"({"weight_map":[]})", R"({"weight_map":null})"}) {
    index_ = nlohmann::json::parse(whole);
    EXPECT_THAT(refusal_of_index(), says(file, "lacks weight_map")) << whole;
  }
}

// The model that the demo and the golden embeddings use.
TEST(RealModel, MiniLmLoads) {
  const char* directory = std::getenv("HILO_TEST_MODEL");
  if (directory == nullptr) {
    GTEST_SKIP() << "HILO_TEST_MODEL is not set to the directory of all-MiniLM-L6-v2; ./dev test "
                    "sets it";
  }
  const Result<Model> model = load(directory);
  ASSERT_TRUE(model) << model.error().message;
  const EncoderConfig& encoder = model->header.encoder;
  EXPECT_EQ(encoder.layers, 6U);
  EXPECT_EQ(encoder.hidden, 384U);
  EXPECT_EQ(encoder.heads, 12U);
  EXPECT_EQ(encoder.intermediate, 1536U);
  EXPECT_EQ(encoder.vocabulary, 30522U);
  EXPECT_EQ(encoder.positions_max, 512U);
  EXPECT_EQ(model->header.tokens_max, 256U);
  EXPECT_EQ(model->header.pooling, Pooling::mean);
  EXPECT_TRUE(model->header.normalize);
  ASSERT_EQ(model->weights.layers.size(), 6U);
  for (const auto& [name, tensor] : by_name(model->weights)) {
    for (const float value : values(tensor)) ASSERT_TRUE(std::isfinite(value)) << name;
  }
}

}  // namespace
}  // namespace hilo
