#include "backend/cpu/packed_model.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/bf16.h"
#include "backend/cpu/integers.h"
#include "backend/cpu/tensor_copy.h"
#include "base/ensure.h"

namespace hilo {
namespace {

std::span<const float> row_of(const Tensor& tensor, size_t row) {
  return {tensor.data + row * tensor.columns, tensor.columns};
}

AlignedFloats padded_copy_of(const Tensor& vector, size_t columns) {
  ENSURE(vector.columns == columns);
  AlignedFloats copy(round_up(columns, column_padding));
  std::copy_n(vector.data, columns, copy.data());
  return copy;
}

PackedNorm pack_norm(const LayerNormWeights& norm, size_t columns) {
  return {padded_copy_of(norm.gamma, columns), padded_copy_of(norm.beta, columns)};
}

void check_shape(const LinearWeights& linear, size_t depth, size_t columns) {
  ENSURE(linear.weight.rows == columns);
  ENSURE(linear.weight.columns == depth);
  ENSURE(linear.bias.columns == columns);
}

// What all matrices of a model have in common.
struct Packing {
  Precision precision;
  size_t panel_columns;
  WeightArena& arena;
};

PackedLinear pack_linear(const LinearWeights& linear, size_t depth, size_t columns,
                         const Packing& packing) {
  check_shape(linear, depth, columns);
  PackedLinear packed(packing.precision, depth, columns, packing.panel_columns, packing.arena);
  for (size_t column = 0; column < columns; ++column)
    packed.place(column, row_of(linear.weight, column), linear.bias.data[column]);
  return packed;
}

PackedLinear pack_query_key_value(const LayerWeights& layer, const EncoderShape& shape,
                                  const Packing& packing) {
  const size_t part_columns = shape.heads * shape.head_padded;
  PackedLinear packed(packing.precision, shape.hidden, 3 * part_columns, packing.panel_columns,
                      packing.arena);
  size_t first = 0;
  for (const LinearWeights* part : {&layer.query, &layer.key, &layer.value}) {
    check_shape(*part, shape.hidden, shape.hidden);
    for (size_t row = 0; row < shape.hidden; ++row) {
      const size_t column = first + row / shape.head * shape.head_padded + row % shape.head;
      packed.place(column, row_of(part->weight, row), part->bias.data[row]);
    }
    first += part_columns;
  }
  return packed;
}

// Its input has each head padded, so each head's weights go to where that head begins.
PackedLinear pack_attention_output(const LinearWeights& linear, const EncoderShape& shape,
                                   const Packing& packing) {
  check_shape(linear, shape.hidden, shape.hidden);
  const size_t depth = shape.heads * shape.head_padded;
  PackedLinear packed(packing.precision, depth, shape.hidden, packing.panel_columns, packing.arena);
  std::vector<float> padded(depth);
  for (size_t column = 0; column < shape.hidden; ++column) {
    const std::span<const float> weights = row_of(linear.weight, column);
    for (size_t head = 0; head < shape.heads; ++head)
      std::ranges::copy(weights.subspan(head * shape.head, shape.head),
                        padded.begin() + static_cast<ptrdiff_t>(head * shape.head_padded));
    packed.place(column, padded, linear.bias.data[column]);
  }
  return packed;
}

size_t norm_bytes(const PackedNorm& norm) { return norm.gamma.bytes() + norm.beta.bytes(); }

}  // namespace

PackedLinear::PackedLinear(Precision precision, size_t depth, size_t columns, size_t panel_columns,
                           WeightArena& arena)
    : precision_(precision),
      depth_(padded_depth(precision, depth) / numbers_in_group(precision)),
      columns_(round_up(columns, column_padding)),
      panel_columns_(panel_columns),
      weights_(arena.take<Group>(depth_ * columns_)),
      bias_(columns_),
      column_scale_(precision == Precision::int8 ? columns_ : 0),
      column_offset_(precision == Precision::int8 ? columns_ : 0) {
  ENSURE(column_padding % panel_columns == 0);
}

void PackedLinear::place(size_t column, std::span<const float> weights, float bias) {
  ENSURE(column < columns_);
  ENSURE(weights.size() <= depth_ * numbers_in_group(precision_));
  bias_.data()[column] = bias;
  Group* const to =
      weights_ + column / panel_columns_ * panel_columns_ * depth_ + column % panel_columns_;
  const size_t in_group = numbers_in_group(precision_);
  const auto place_of = [&](size_t row) {
    return to[row / in_group * panel_columns_].bytes + row % in_group * bytes_of(precision_);
  };
  switch (precision_) {
    case Precision::fp32:
      for (size_t row = 0; row < weights.size(); ++row)
        std::memcpy(place_of(row), &weights[row], sizeof(float));
      break;
    case Precision::bf16:
      for (size_t row = 0; row < weights.size(); ++row) {
        const Bf16 narrow = bf16_of(weights[row]);
        std::memcpy(place_of(row), &narrow, sizeof(Bf16));
      }
      break;
    case Precision::int8: {
      const IntegerScale integers = integer_scale_of(weights);
      int32_t sum = 0;
      for (size_t row = 0; row < weights.size(); ++row) {
        const int8_t integer = integers.at(weights[row]);
        *place_of(row) = static_cast<uint8_t>(integer);
        sum += integer;
      }
      column_scale_.data()[column] = integers.scale;
      column_offset_.data()[column] = integers.scale * static_cast<float>(sum);
      break;
    }
  }
}

EncoderShape::EncoderShape(const EncoderConfig& config)
    : hidden(config.hidden),
      heads(config.heads),
      head(config.hidden / config.heads),
      head_padded(round_up(head, column_padding)),
      intermediate(config.intermediate) {
  ENSURE(head * heads == hidden);
}

PackedModel::PackedModel(const Model& model, const ModelPrecision& precisions, size_t panel_columns)
    : config(model.header.encoder),
      shape(config),
      precision(precisions),
      pooling(model.header.pooling),
      normalize(model.header.normalize),
      word_embeddings(model.weights.word_embeddings, precision.weights),
      position_embeddings(copy_of(model.weights.position_embeddings)),
      token_type_embeddings(copy_of(model.weights.token_type_embeddings)),
      embedding_norm(pack_norm(model.weights.embedding_norm, shape.hidden)) {
  ENSURE(word_embeddings.rows() == config.vocabulary);
  ENSURE(word_embeddings.columns() == config.hidden);
  ENSURE(position_embeddings.size() == size_t{config.positions_max} * config.hidden);
  ENSURE(token_type_embeddings.size() == size_t{config.token_types} * config.hidden);
  ENSURE(model.weights.layers.size() == config.layers);
  if (config.relative_bias) {
    ENSURE(model.weights.relative_bias.columns == config.heads);
    relative_bias =
        RelativeBias(model.weights.relative_bias, config.text_tokens_max(), shape.score_scale());
  }
  ENSURE(model.score_head.has_value() == model.header.score.has_value());
  if (model.score_head) score_head.emplace(*model.score_head, *model.header.score);
  const Packing packing{precision.weights, panel_columns, arena};
  const Packing query_packing{precision.queries, panel_columns, arena};
  layers.reserve(config.layers);
  for (const LayerWeights& layer : model.weights.layers) {
    layers.push_back({
        .query_key_value = pack_query_key_value(layer, shape, query_packing),
        .attention_output = pack_attention_output(layer.attention_output, shape, packing),
        .attention_norm = pack_norm(layer.attention_norm, shape.hidden),
        .intermediate = pack_linear(layer.intermediate, shape.hidden, shape.intermediate, packing),
        .output = pack_linear(layer.output, shape.intermediate, shape.hidden, packing),
        .output_norm = pack_norm(layer.output_norm, shape.hidden),
    });
  }
}

size_t PackedModel::bytes() const {
  size_t total = word_embeddings.bytes() + position_embeddings.bytes() +
                 token_type_embeddings.bytes() + norm_bytes(embedding_norm) + relative_bias.bytes();
  if (score_head) total += score_head->bytes();
  for (const PackedLayer& layer : layers) {
    total += layer.query_key_value.bytes() + layer.attention_output.bytes() +
             layer.intermediate.bytes() + layer.output.bytes() + norm_bytes(layer.attention_norm) +
             norm_bytes(layer.output_norm);
  }
  return total;
}

}  // namespace hilo
