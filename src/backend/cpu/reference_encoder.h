// The encoder as the papers write it, in double precision and plain loops, for tests: shares no
// code with what it checks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "model/model.h"

namespace hilo::reference {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

inline Row linear(const LinearWeights& weights, const Row& x) {
  Row y(weights.weight.rows);
  for (size_t out = 0; out < y.size(); ++out) {
    double sum = weights.bias.data[out];
    for (size_t in = 0; in < x.size(); ++in) {
      sum += x[in] * double{weights.weight.data[out * x.size() + in]};
    }
    y[out] = sum;
  }
  return y;
}

inline void layer_norm(const LayerNormWeights& weights, double epsilon, Row& x) {
  const auto count = static_cast<double>(x.size());
  double mean = 0.0;
  for (const double value : x) mean += value / count;
  double variance = 0.0;
  for (const double value : x) variance += (value - mean) * (value - mean) / count;
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = (x[i] - mean) / std::sqrt(variance + epsilon) * double{weights.gamma.data[i]} +
           double{weights.beta.data[i]};
  }
}

inline Row sum_of(const Row& a, const Row& b) {
  Row sum = a;
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
  return sum;
}

// What MPNet adds to a score, by its formula with logarithms.
inline double relative_bias(const Tensor& table, size_t head, size_t query, size_t key) {
  const double distance = std::abs(static_cast<double>(key) - static_cast<double>(query));
  const double far =
      8.0 + std::floor(std::log(distance / 8.0) / std::log(128.0 / 8.0) * 8.0 + 1e-9);
  const double bucket = distance < 8.0 ? distance : std::min(far, 15.0);
  return table
      .data[static_cast<size_t>(key > query ? bucket + 16.0 : bucket) * table.columns + head];
}

inline Matrix attention(const EncoderWeights& weights_of_model, const LayerWeights& layer,
                        const Matrix& x, size_t heads) {
  Matrix queries, keys, values;
  for (const Row& row : x) {
    queries.push_back(linear(layer.query, row));
    keys.push_back(linear(layer.key, row));
    values.push_back(linear(layer.value, row));
  }
  const size_t head = x[0].size() / heads;
  Matrix mixed(x.size(), Row(x[0].size(), 0.0));
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t first = 0; first < x[0].size(); first += head) {
      Row weights(x.size());
      for (size_t j = 0; j < x.size(); ++j) {
        for (size_t c = first; c < first + head; ++c) weights[j] += queries[i][c] * keys[j][c];
        weights[j] /= std::sqrt(static_cast<double>(head));
        if (weights_of_model.relative_bias.rows > 0) {
          weights[j] += relative_bias(weights_of_model.relative_bias, first / head, i, j);
        }
      }
      const double largest = *std::max_element(weights.begin(), weights.end());
      double total = 0.0;
      for (double& weight : weights) total += weight = std::exp(weight - largest);
      for (size_t j = 0; j < x.size(); ++j) {
        for (size_t c = first; c < first + head; ++c) {
          mixed[i][c] += weights[j] / total * values[j][c];
        }
      }
    }
  }
  return mixed;
}

inline Row row_of(const Tensor& tensor, size_t row) {
  const float* values = tensor.data + row * tensor.columns;
  return {values, values + tensor.columns};
}

// RoBERTa's way: padding stays where it is, and all others count from the position behind it.
inline std::vector<size_t> positions_of(const EncoderConfig& config,
                                        std::span<const uint32_t> ids) {
  std::vector<size_t> positions;
  size_t counted = 0;
  for (const uint32_t id : ids) {
    const bool padding = config.padding_id && id == *config.padding_id;
    if (!padding) ++counted;
    positions.push_back(!config.padding_id ? counted - 1
                                           : *config.padding_id + (padding ? 0 : counted));
  }
  return positions;
}

// The score of a cross-encoder.
inline Row score_of(const Model& model, const Row& first) {
  Row dense = linear(model.score_head->dense, first);
  for (double& value : dense) value = std::tanh(value);
  Row score = linear(model.score_head->output, dense);
  if (*model.header.score == ScoreFunction::sigmoid) score[0] = 1.0 / (1.0 + std::exp(-score[0]));
  return score;
}

inline Row vector_of(const Model& model, std::span<const uint32_t> ids,
                     std::span<const uint8_t> types = {}) {
  const EncoderConfig& config = model.header.encoder;
  const double epsilon = config.layer_norm_epsilon;
  Matrix x;
  const std::vector<size_t> positions = positions_of(config, ids);
  for (size_t i = 0; i < ids.size(); ++i) {
    x.push_back(sum_of(row_of(model.weights.word_embeddings, ids[i]),
                       row_of(model.weights.position_embeddings, positions[i])));
    if (config.token_types > 0) {
      const size_t type = types.empty() ? 0 : types[i];
      x.back() = sum_of(x.back(), row_of(model.weights.token_type_embeddings, type));
    }
    layer_norm(model.weights.embedding_norm, epsilon, x.back());
  }
  for (const LayerWeights& layer : model.weights.layers) {
    const Matrix mixed = attention(model.weights, layer, x, config.heads);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = sum_of(x[i], linear(layer.attention_output, mixed[i]));
      layer_norm(layer.attention_norm, epsilon, x[i]);
      Row wide = linear(layer.intermediate, x[i]);
      for (double& value : wide) value *= 0.5 * std::erfc(-value / std::numbers::sqrt2);
      x[i] = sum_of(x[i], linear(layer.output, wide));
      layer_norm(layer.output_norm, epsilon, x[i]);
    }
  }
  if (model.score_head) return score_of(model, x[0]);
  Row vector = model.header.pooling == Pooling::last ? x.back() : x[0];
  if (model.header.pooling == Pooling::mean) {
    for (size_t i = 1; i < x.size(); ++i) vector = sum_of(vector, x[i]);
    for (double& value : vector) value /= static_cast<double>(x.size());
  }
  if (model.header.normalize) {
    double squares = 0.0;
    for (const double value : vector) squares += value * value;
    for (double& value : vector) value /= std::sqrt(squares);
  }
  return vector;
}

}  // namespace hilo::reference
