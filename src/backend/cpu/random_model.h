// Models made of random numbers, for tests and benchmarks: any shape, no files.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "model/model.h"
#include "model/relative_bucket.h"

namespace hilo {

inline constexpr EncoderConfig minilm_l6_config = {.layers = 6,
                                                   .hidden = 384,
                                                   .heads = 12,
                                                   .intermediate = 1536,
                                                   .vocabulary = 30522,
                                                   .positions_max = 512,
                                                   .token_types = 2};

class RandomModelMaker {
 public:
  explicit RandomModelMaker(uint32_t seed) : random_(seed) {}

  Model make(const EncoderConfig& config, Pooling pooling, bool normalize) {
    Model model;
    model.header.name = "random";
    model.header.encoder = config;
    model.header.pooling = pooling;
    model.header.normalize = normalize;
    model.header.tokens_max = config.text_tokens_max();
    EncoderWeights& weights = model.weights;
    weights.word_embeddings = tensor(config.vocabulary, config.hidden, 0.0F, 0.5F);
    weights.position_embeddings = tensor(config.positions_max, config.hidden, 0.0F, 0.3F);
    weights.token_type_embeddings = tensor(config.token_types, config.hidden, 0.0F, 0.2F);
    weights.embedding_norm = norm(config.hidden);
    if (config.relative_bias) {
      weights.relative_bias = tensor(relative_buckets, config.heads, 0.0F, 1.0F);
    }
    for (uint32_t layer = 0; layer < config.layers; ++layer) {
      weights.layers.push_back({.query = linear(config.hidden, config.hidden),
                                .key = linear(config.hidden, config.hidden),
                                .value = linear(config.hidden, config.hidden),
                                .attention_output = linear(config.hidden, config.hidden),
                                .attention_norm = norm(config.hidden),
                                .intermediate = linear(config.hidden, config.intermediate),
                                .output = linear(config.intermediate, config.hidden),
                                .output_norm = norm(config.hidden)});
    }
    model.storage = storage_;
    return model;
  }

  void make_cross_encoder(Model& model, ScoreFunction function) {
    const uint32_t hidden = model.header.encoder.hidden;
    model.header.score = function;
    model.score_head = {.dense = linear(hidden, hidden), .output = linear(hidden, 1)};
  }

 private:
  Tensor tensor(uint32_t rows, uint32_t columns, float mean, float deviation) {
    std::vector<float>& values = storage_->emplace_back(size_t{rows} * columns);
    std::normal_distribution<float> distribution(mean, deviation);
    for (float& value : values) value = distribution(random_);
    return {.data = values.data(), .rows = rows, .columns = columns};
  }
  LayerNormWeights norm(uint32_t columns) {
    return {.gamma = tensor(1, columns, 1.0F, 0.1F), .beta = tensor(1, columns, 0.0F, 0.1F)};
  }
  // Larger than a trained model's on average, so that attention has preferences.
  LinearWeights linear(uint32_t in, uint32_t out) {
    const float deviation = 1.5F / std::sqrt(static_cast<float>(in));
    return {.weight = tensor(out, in, 0.0F, deviation), .bias = tensor(1, out, 0.0F, 0.1F)};
  }

  std::mt19937 random_;
  std::shared_ptr<std::deque<std::vector<float>>> storage_ =
      std::make_shared<std::deque<std::vector<float>>>();
};

inline Model random_model(const EncoderConfig& config, Pooling pooling = Pooling::mean,
                          bool normalize = true, uint32_t seed = 1) {
  return RandomModelMaker(seed).make(config, pooling, normalize);
}

inline Model random_cross_encoder(const EncoderConfig& config, ScoreFunction function) {
  RandomModelMaker maker(1);
  Model model = maker.make(config, Pooling::cls, /*normalize=*/false);
  maker.make_cross_encoder(model, function);
  return model;
}

}  // namespace hilo
