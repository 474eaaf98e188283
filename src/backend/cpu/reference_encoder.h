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

inline Matrix attention(const LayerWeights& layer, const Matrix& x, size_t heads) {
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

inline Row embedding(const EncoderWeights& weights, uint32_t id, uint32_t type, size_t position) {
  const size_t columns = weights.word_embeddings.columns;
  Row row(columns);
  for (size_t i = 0; i < columns; ++i) {
    row[i] = double{weights.word_embeddings.data[id * columns + i]} +
             double{weights.position_embeddings.data[position * columns + i]} +
             double{weights.token_type_embeddings.data[type * columns + i]};
  }
  return row;
}

inline Row vector_of(const Model& model, std::span<const uint32_t> ids,
                     std::span<const uint8_t> types = {}) {
  const EncoderConfig& config = model.header.encoder;
  const double epsilon = config.layer_norm_epsilon;
  Matrix x;
  for (size_t i = 0; i < ids.size(); ++i) {
    x.push_back(embedding(model.weights, ids[i], types.empty() ? 0U : types[i], i));
    layer_norm(model.weights.embedding_norm, epsilon, x.back());
  }
  for (const LayerWeights& layer : model.weights.layers) {
    const Matrix mixed = attention(layer, x, config.heads);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = sum_of(x[i], linear(layer.attention_output, mixed[i]));
      layer_norm(layer.attention_norm, epsilon, x[i]);
      Row wide = linear(layer.intermediate, x[i]);
      for (double& value : wide) value *= 0.5 * std::erfc(-value / std::numbers::sqrt2);
      x[i] = sum_of(x[i], linear(layer.output, wide));
      layer_norm(layer.output_norm, epsilon, x[i]);
    }
  }
  Row vector = x[0];
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
