// Finds each tensor under the name that its family gives it, checks its shape against config.json,
// and makes it fp32: in place where it is, in a private buffer otherwise.
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
#include "model/relative_bucket.h"
#include "model/tensor_names.h"
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
  explicit WeightReader(ModelStorage& storage) : storage_(storage) {}

  bool has(const std::string& name) const { return storage_.store.find(name) != nullptr; }

  // Put before every name from here on.
  void set_prefix(std::string_view prefix) { prefix_ = prefix; }

  Tensor vector(std::string_view name, uint32_t size) {
    return take(name, {std::array<uint64_t, 1>{size}});
  }
  Tensor matrix(std::string_view name, uint32_t rows, uint32_t columns) {
    return take(name, {std::array<uint64_t, 2>{rows, columns}});
  }
  LinearWeights linear(std::string_view name, uint32_t outputs, uint32_t inputs) {
    return {matrix(fmt::format("{}.weight", name), outputs, inputs),
            vector(fmt::format("{}.bias", name), outputs)};
  }
  // Models converted from TensorFlow call the two gamma and beta.
  LayerNormWeights layer_norm(std::string_view name, uint32_t size) {
    const std::string full = fmt::format("{}{}", prefix_, name);
    const bool old_names = !has(full + ".weight") && has(full + ".gamma");
    return {vector(fmt::format("{}.{}", name, old_names ? "gamma" : "weight"), size),
            vector(fmt::format("{}.{}", name, old_names ? "beta" : "bias"), size)};
  }

  bool ok() const { return !error_.has_value(); }
  Error error() const { return *error_; }

 private:
  Tensor fail(const std::string& cause) {
    if (ok()) error_ = file_error(storage_.store.path(), cause);
    return {};
  }

  Tensor take(std::string_view bare_name, std::span<const uint64_t> shape) {
    const std::string name = fmt::format("{}{}", prefix_, bare_name);
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
  const TensorNames& names = tensor_names(config.family);
  const uint32_t hidden = config.hidden;
  const auto of_layer = [&](std::string_view name) {
    return fmt::format("{}{}.{}", names.layer, index, name);
  };
  return {
      .query = reader.linear(of_layer(names.query), hidden, hidden),
      .key = reader.linear(of_layer(names.key), hidden, hidden),
      .value = reader.linear(of_layer(names.value), hidden, hidden),
      .attention_output = reader.linear(of_layer(names.attention_output), hidden, hidden),
      .attention_norm = reader.layer_norm(of_layer(names.attention_norm), hidden),
      .intermediate = reader.linear(of_layer(names.intermediate), config.intermediate, hidden),
      .output = reader.linear(of_layer(names.output), hidden, config.intermediate),
      .output_norm = reader.layer_norm(of_layer(names.output_norm), hidden),
  };
}

EncoderWeights read_encoder(WeightReader& reader, const EncoderConfig& config) {
  // The encoder alone has bare names; as a part of a larger model it has its family's prefix.
  const std::string_view prefix = tensor_names(config.family).prefix;
  const bool bare = reader.has(std::string{word_embeddings_name});
  if (!bare && reader.has(fmt::format("{}{}", prefix, word_embeddings_name))) {
    reader.set_prefix(prefix);
  }
  const uint32_t hidden = config.hidden;
  EncoderWeights weights;
  weights.word_embeddings = reader.matrix(word_embeddings_name, config.vocabulary, hidden);
  weights.position_embeddings =
      reader.matrix(position_embeddings_name, config.positions_max, hidden);
  if (config.token_types > 0) {
    weights.token_type_embeddings =
        reader.matrix(token_type_embeddings_name, config.token_types, hidden);
  }
  weights.embedding_norm = reader.layer_norm(embedding_norm_name, hidden);
  if (config.relative_bias) {
    weights.relative_bias = reader.matrix(relative_bias_name, relative_buckets, config.heads);
  }
  for (uint32_t index = 0; index < config.layers && reader.ok(); ++index) {
    weights.layers.push_back(read_layer(reader, config, index));
  }
  return weights;
}

ScoreHeadWeights read_score_head(WeightReader& reader, const EncoderConfig& config) {
  const TensorNames& names = tensor_names(config.family);
  reader.set_prefix("");
  return {.dense = reader.linear(names.head_dense, config.hidden, config.hidden),
          .output = reader.linear(names.head_output, 1, config.hidden)};
}

}  // namespace

Result<Model> load_model(const ModelHeader& header) {
  Result<TensorStore> store = TensorStore::open(header.directory);
  if (!store) return store.error();
  const auto storage = std::make_shared<ModelStorage>(ModelStorage{*std::move(store), {}});
  WeightReader reader{*storage};
  Model model{.header = header,
              .weights = read_encoder(reader, header.encoder),
              .score_head = {},
              .storage = storage};
  if (header.score) model.score_head = read_score_head(reader, header.encoder);
  if (!reader.ok()) return reader.error();
  if (const Status same = storage->store.check_unchanged(); !same) return same.error();
  return model;
}

}  // namespace hilo
