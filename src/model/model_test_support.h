// For tests: a small BERT with random weights, kept as JSON values and tensors so that a test
// breaks exactly one thing, and written to a temporary directory as a model directory.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ensure.h"

namespace hilo::test {

// A directory of its own that is gone with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "hilo-model-XXXXXX";
    ENSURE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ENSURE(file.good());
}

// One tensor as a file stores it.
struct TestTensor {
  std::string type;
  std::vector<uint64_t> shape;
  std::string bytes;

  static TestTensor f32(std::vector<uint64_t> shape, const std::vector<float>& values) {
    TestTensor tensor{"F32", std::move(shape), std::string(values.size() * sizeof(float), '\0')};
    std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    return tensor;
  }
};

using TestTensors = std::map<std::string, TestTensor>;

// A safetensors file with this text as its header.
inline std::string safetensors_file(std::string_view header, std::string_view data) {
  const uint64_t bytes = header.size();
  std::string file(sizeof bytes, '\0');
  std::memcpy(file.data(), &bytes, sizeof bytes);
  return file.append(header).append(data);
}

inline std::string safetensors_file(const TestTensors& tensors) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const size_t begin = data.size();
    data += tensor.bytes;
    header[name] = {
        {"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // as the format asks, so that tensors are aligned
  return safetensors_file(text, data);
}

struct TestModel {
  nlohmann::json config, modules, pooling, sentence, prompts, tokenizer;
  TestTensors tensors;

  // Files whose value is null are left out.
  void write(const std::filesystem::path& directory) const {
    write_configuration(directory);
    write_file(directory / "model.safetensors", safetensors_file(tensors));
  }
  void write_configuration(const std::filesystem::path& directory) const {
    const auto write_json = [&](const char* name, const nlohmann::json& value) {
      if (!value.is_null()) write_file(directory / name, value.dump(2));
    };
    write_json("config.json", config);
    write_json("modules.json", modules);
    write_json("1_Pooling/config.json", pooling);
    write_json("sentence_bert_config.json", sentence);
    write_json("config_sentence_transformers.json", prompts);
    write_json("tokenizer_config.json", tokenizer);
  }
};

struct TestModelShape {
  uint32_t layers = 2;
  uint32_t hidden = 16;
  uint32_t heads = 4;
  uint32_t intermediate = 32;
  uint32_t vocabulary = 50;
  uint32_t positions_max = 24;
};

// Adds random tensors under the names that PyTorch gives them.
class TensorMaker {
 public:
  TensorMaker(TestTensors& tensors, uint32_t seed) : tensors_(tensors), random_(seed) {}

  void add(const std::string& name, std::vector<uint64_t> shape, float center = 0.0F) {
    uint64_t count = 1;
    for (const uint64_t size : shape) count *= size;
    std::normal_distribution<float> distribution{center, 0.1F};
    std::vector<float> values(count);
    for (float& value : values) value = distribution(random_);
    tensors_[name] = TestTensor::f32(std::move(shape), values);
  }
  void add_linear(const std::string& name, uint32_t outputs, uint32_t inputs) {
    add(name + ".weight", {outputs, inputs});
    add(name + ".bias", {outputs});
  }
  void add_layer_norm(const std::string& name, uint32_t size) {
    add(name + ".weight", {size}, 1.0F);
    add(name + ".bias", {size});
  }

 private:
  TestTensors& tensors_;
  std::mt19937 random_;
};

inline TestTensors make_test_tensors(const TestModelShape& shape, uint32_t seed) {
  TestTensors tensors;
  TensorMaker maker{tensors, seed};
  const uint32_t hidden = shape.hidden;
  maker.add("embeddings.word_embeddings.weight", {shape.vocabulary, hidden});
  maker.add("embeddings.position_embeddings.weight", {shape.positions_max, hidden});
  maker.add("embeddings.token_type_embeddings.weight", {2, hidden});
  maker.add_layer_norm("embeddings.LayerNorm", hidden);
  for (uint32_t index = 0; index < shape.layers; ++index) {
    const std::string layer = fmt::format("encoder.layer.{}.", index);
    for (const char* part : {"self.query", "self.key", "self.value", "output.dense"}) {
      maker.add_linear(layer + "attention." + part, hidden, hidden);
    }
    maker.add_layer_norm(layer + "attention.output.LayerNorm", hidden);
    maker.add_linear(layer + "intermediate.dense", shape.intermediate, hidden);
    maker.add_linear(layer + "output.dense", hidden, shape.intermediate);
    maker.add_layer_norm(layer + "output.LayerNorm", hidden);
  }
  maker.add_linear("pooler.dense", hidden, hidden);  // Models carry it; hilo has no use for it.
  return tensors;
}

// A complete model that loads.
inline TestModel make_test_model(const TestModelShape& shape = {}, uint32_t seed = 1) {
  const auto module = [](const char* path, const char* kind) {
    return nlohmann::json{{"path", path},
                          {"type", fmt::format("sentence_transformers.models.{}", kind)}};
  };
  return {
      .config = {{"model_type", "bert"},
                 {"hidden_act", "gelu"},
                 {"hidden_size", shape.hidden},
                 {"num_hidden_layers", shape.layers},
                 {"num_attention_heads", shape.heads},
                 {"intermediate_size", shape.intermediate},
                 {"vocab_size", shape.vocabulary},
                 {"max_position_embeddings", shape.positions_max},
                 {"type_vocab_size", 2},
                 {"layer_norm_eps", 1e-12}},
      .modules = nlohmann::json::array({module("", "Transformer"), module("1_Pooling", "Pooling"),
                                        module("2_Normalize", "Normalize")}),
      .pooling = {{"word_embedding_dimension", shape.hidden}, {"pooling_mode_mean_tokens", true}},
      .sentence = {{"max_seq_length", 20}, {"do_lower_case", false}},
      .prompts = {{"prompts", {{"query", "query: "}, {"passage", "passage: "}}}},
      .tokenizer = {{"model_max_length", 22}, {"do_lower_case", true}},
      .tensors = make_test_tensors(shape, seed),
  };
}

}  // namespace hilo::test
