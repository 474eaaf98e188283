#include "backend/cpu/packed_model.h"

#include <algorithm>

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

PackedLinear pack_linear(const LinearWeights& linear, size_t depth, size_t columns,
                         size_t panel_columns) {
  check_shape(linear, depth, columns);
  PackedLinear packed(depth, columns, panel_columns);
  for (size_t column = 0; column < columns; ++column) {
    packed.place(column, 0, row_of(linear.weight, column));
    packed.place_bias(column, linear.bias.data[column]);
  }
  return packed;
}

PackedLinear pack_query_key_value(const LayerWeights& layer, const EncoderShape& shape,
                                  size_t panel_columns) {
  const size_t part_columns = shape.heads * shape.head_padded;
  PackedLinear packed(shape.hidden, 3 * part_columns, panel_columns);
  size_t first = 0;
  for (const LinearWeights* part : {&layer.query, &layer.key, &layer.value}) {
    check_shape(*part, shape.hidden, shape.hidden);
    for (size_t row = 0; row < shape.hidden; ++row) {
      const size_t column = first + row / shape.head * shape.head_padded + row % shape.head;
      packed.place(column, 0, row_of(part->weight, row));
      packed.place_bias(column, part->bias.data[row]);
    }
    first += part_columns;
  }
  return packed;
}

// Its input has each head padded, so each head's weights go to where that head begins.
PackedLinear pack_attention_output(const LinearWeights& linear, const EncoderShape& shape,
                                   size_t panel_columns) {
  check_shape(linear, shape.hidden, shape.hidden);
  PackedLinear packed(shape.heads * shape.head_padded, shape.hidden, panel_columns);
  for (size_t column = 0; column < shape.hidden; ++column) {
    for (size_t head = 0; head < shape.heads; ++head) {
      packed.place(column, head * shape.head_padded,
                   row_of(linear.weight, column).subspan(head * shape.head, shape.head));
    }
    packed.place_bias(column, linear.bias.data[column]);
  }
  return packed;
}

size_t bytes_of(const PackedNorm& norm) { return norm.gamma.bytes() + norm.beta.bytes(); }

}  // namespace

PackedLinear::PackedLinear(size_t depth, size_t columns, size_t panel_columns)
    : depth_(depth),
      columns_(round_up(columns, column_padding)),
      panel_columns_(panel_columns),
      weights_(depth_ * columns_),
      bias_(columns_) {
  ENSURE(column_padding % panel_columns == 0);
}

void PackedLinear::place(size_t column, size_t first_row, std::span<const float> weights) {
  ENSURE(column < columns_);
  ENSURE(first_row + weights.size() <= depth_);
  float* to = weights_.data() + column / panel_columns_ * panel_columns_ * depth_ +
              first_row * panel_columns_ + column % panel_columns_;
  for (const float weight : weights) {
    *to = weight;
    to += panel_columns_;
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

PackedModel::PackedModel(const Model& model, size_t panel_columns)
    : config(model.header.encoder),
      shape(config),
      pooling(model.header.pooling),
      normalize(model.header.normalize),
      word_embeddings(copy_of(model.weights.word_embeddings)),
      position_embeddings(copy_of(model.weights.position_embeddings)),
      token_type_embeddings(copy_of(model.weights.token_type_embeddings)),
      embedding_norm(pack_norm(model.weights.embedding_norm, shape.hidden)) {
  ENSURE(word_embeddings.size() == size_t{config.vocabulary} * config.hidden);
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
  layers.reserve(config.layers);
  for (const LayerWeights& layer : model.weights.layers) {
    layers.push_back({
        .query_key_value = pack_query_key_value(layer, shape, panel_columns),
        .attention_output = pack_attention_output(layer.attention_output, shape, panel_columns),
        .attention_norm = pack_norm(layer.attention_norm, shape.hidden),
        .intermediate =
            pack_linear(layer.intermediate, shape.hidden, shape.intermediate, panel_columns),
        .output = pack_linear(layer.output, shape.intermediate, shape.hidden, panel_columns),
        .output_norm = pack_norm(layer.output_norm, shape.hidden),
    });
  }
}

size_t PackedModel::bytes() const {
  size_t total = word_embeddings.bytes() + position_embeddings.bytes() +
                 token_type_embeddings.bytes() + bytes_of(embedding_norm) + relative_bias.bytes();
  if (score_head) total += score_head->bytes();
  for (const PackedLayer& layer : layers) {
    total += layer.query_key_value.bytes() + layer.attention_output.bytes() +
             layer.intermediate.bytes() + layer.output.bytes() + bytes_of(layer.attention_norm) +
             bytes_of(layer.output_norm);
  }
  return total;
}

}  // namespace hilo
