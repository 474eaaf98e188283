// Finds each tensor of a BERT encoder under the name that PyTorch gave it, checks its shape against
// config.json, and makes it fp32: in place where it is, in a private buffer otherwise.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "model/model.h"
#include "model/tensor_store.h"

namespace hilo {
namespace {

struct ModelStorage {
  TensorStore store;
  std::deque<std::vector<float>> widened;  // a deque, so that buffers stay where they are
};

// Exact for every half, subnormal numbers included: the exponent and mantissa are put where a float
// has them, and a multiplication corrects the exponent's bias.
float float_from_half(uint16_t half) {
  constexpr uint32_t infinity_half = 0x7C00U << 13;
  constexpr uint32_t infinity_float = 0x7F800000U;
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t magnitude = (half & 0x7FFFU) << 13;
  if (magnitude >= infinity_half) return std::bit_cast<float>(sign | infinity_float | magnitude);
  const uint32_t bits = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F);
  return std::bit_cast<float>(sign | bits);
}

float float_from_bfloat16(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

// `source` need not be aligned.
std::vector<float> widen(std::span<const std::byte> source, float (*to_float)(uint16_t)) {
  std::vector<float> values(source.size() / sizeof(uint16_t));
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t narrow = 0;
    std::memcpy(&narrow, source.data() + i * sizeof narrow, sizeof narrow);
    values[i] = to_float(narrow);
  }
  return values;
}

std::vector<float> copy_floats(std::span<const std::byte> source) {
  std::vector<float> values(source.size() / sizeof(float));
  std::memcpy(values.data(), source.data(), values.size() * sizeof(float));
  return values;
}

bool is_aligned(const std::byte* address) {
  return reinterpret_cast<uintptr_t>(address) % alignof(float) == 0;
}

std::string shape_text(std::span<const uint64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// Reads tensors one after the other. The first error sticks, and every later tensor is empty, so
// that the caller can list what an encoder has without asking at each line.
class WeightReader {
 public:
  explicit WeightReader(ModelStorage& storage) : storage_(storage) {
    // The encoder alone has bare names; as a part of a larger model it has this prefix.
    if (!has("embeddings.word_embeddings.weight") &&
        has("bert.embeddings.word_embeddings.weight")) {
      prefix_ = "bert.";
    }
  }

  Tensor vector(const std::string& name, uint32_t size) {
    return take(name, {std::array<uint64_t, 1>{size}});
  }
  Tensor matrix(const std::string& name, uint32_t rows, uint32_t columns) {
    return take(name, {std::array<uint64_t, 2>{rows, columns}});
  }
  LinearWeights linear(const std::string& name, uint32_t outputs, uint32_t inputs) {
    return {matrix(name + ".weight", outputs, inputs), vector(name + ".bias", outputs)};
  }
  // Models converted from TensorFlow call the two gamma and beta.
  LayerNormWeights layer_norm(const std::string& name, uint32_t size) {
    const bool old_names = !has(prefix_ + name + ".weight") && has(prefix_ + name + ".gamma");
    return {vector(name + (old_names ? ".gamma" : ".weight"), size),
            vector(name + (old_names ? ".beta" : ".bias"), size)};
  }

  bool ok() const { return !error_.has_value(); }
  Error error() const { return *error_; }

 private:
  bool has(const std::string& name) const { return storage_.store.find(name) != nullptr; }

  Tensor fail(const std::string& cause) {
    if (ok()) error_ = file_error(storage_.store.path(), cause);
    return {};
  }

  Tensor take(const std::string& bare_name, std::span<const uint64_t> shape) {
    const std::string name = prefix_ + bare_name;
    const StoredTensor* stored = storage_.store.find(name);
    if (!ok()) return {};
    if (stored == nullptr) {
      return fail(
          fmt::format("lacks tensor {}, which config.json promises; fetch the model again, "
                      "or give another model",
                      name));
    }
    if (!std::ranges::equal(stored->shape, shape)) {
      return fail(
          fmt::format("tensor {} has the shape {}, but config.json asks for {}; fetch the "
                      "model again, so that both are of one version",
                      name, shape_text(stored->shape), shape_text(shape)));
    }
    const float* data = floats(*stored);
    if (data == nullptr) {
      return fail(
          fmt::format("tensor {} is of type {}, but hilo reads F32, F16 and BF16; save the "
                      "model in one of these",
                      name, printable(stored->type)));
    }
    const auto columns = static_cast<uint32_t>(shape.back());
    return {data, shape.size() == 1 ? 1 : static_cast<uint32_t>(shape.front()), columns};
  }

  // nullptr: a type that cannot be read.
  const float* floats(const StoredTensor& stored) {
    if (stored.type == "F32" && is_aligned(stored.bytes.data())) {
      return reinterpret_cast<const float*>(stored.bytes.data());
    }
    if (stored.type == "F32") {
      storage_.widened.push_back(copy_floats(stored.bytes));
    } else if (stored.type == "F16") {
      storage_.widened.push_back(widen(stored.bytes, float_from_half));
    } else if (stored.type == "BF16") {
      storage_.widened.push_back(widen(stored.bytes, float_from_bfloat16));
    } else {
      return nullptr;
    }
    return storage_.widened.back().data();
  }

  ModelStorage& storage_;
  std::string prefix_;
  std::optional<Error> error_;
};

LayerWeights read_layer(WeightReader& reader, const EncoderConfig& config, uint32_t index) {
  const std::string layer = fmt::format("encoder.layer.{}.", index);
  const uint32_t hidden = config.hidden;
  return {
      .query = reader.linear(layer + "attention.self.query", hidden, hidden),
      .key = reader.linear(layer + "attention.self.key", hidden, hidden),
      .value = reader.linear(layer + "attention.self.value", hidden, hidden),
      .attention_output = reader.linear(layer + "attention.output.dense", hidden, hidden),
      .attention_norm = reader.layer_norm(layer + "attention.output.LayerNorm", hidden),
      .intermediate = reader.linear(layer + "intermediate.dense", config.intermediate, hidden),
      .output = reader.linear(layer + "output.dense", hidden, config.intermediate),
      .output_norm = reader.layer_norm(layer + "output.LayerNorm", hidden),
  };
}

EncoderWeights read_encoder(WeightReader& reader, const EncoderConfig& config) {
  const uint32_t hidden = config.hidden;
  EncoderWeights weights{
      .word_embeddings =
          reader.matrix("embeddings.word_embeddings.weight", config.vocabulary, hidden),
      .position_embeddings =
          reader.matrix("embeddings.position_embeddings.weight", config.positions_max, hidden),
      .token_type_embeddings =
          reader.matrix("embeddings.token_type_embeddings.weight", config.token_types, hidden),
      .embedding_norm = reader.layer_norm("embeddings.LayerNorm", hidden),
      .layers = {},
  };
  for (uint32_t index = 0; index < config.layers && reader.ok(); ++index) {
    weights.layers.push_back(read_layer(reader, config, index));
  }
  return weights;
}

}  // namespace

Result<Model> load_model(const ModelHeader& header) {
  Result<TensorStore> store = TensorStore::open(header.directory);
  if (!store) return store.error();
  const auto storage = std::make_shared<ModelStorage>(ModelStorage{*std::move(store), {}});
  WeightReader reader{*storage};
  EncoderWeights weights = read_encoder(reader, header.encoder);
  if (!reader.ok()) return reader.error();
  if (const Status same = storage->store.check_unchanged(); !same) return same.error();
  return Model{header, std::move(weights), storage};
}

}  // namespace hilo
