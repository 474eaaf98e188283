// A model's weights in the order in which the kernels read them. Made once, then never changed.
//
// Every matrix is cut into panels of panel_columns columns, each stored row by row, so that a
// kernel reads one panel from front to back:  [columns / panel_columns][depth][panel_columns]. Each
// head's share of the columns is padded to a multiple of column_padding, and so is every row: sizes
// that are no multiple need no code of their own, only zeros.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "backend/cpu/activations.h"
#include "backend/cpu/aligned_array.h"
#include "backend/cpu/embedding_table.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/relative_bias.h"
#include "backend/cpu/score_head.h"
#include "backend/cpu/weight_arena.h"
#include "model/model.h"

namespace hilo {

class PackedLinear {
 public:
  // All weights and biases are zero until placed.
  PackedLinear(Precision precision, size_t depth, size_t columns, size_t panel_columns,
               WeightArena& arena);

  // Sets a column: one weight for each row of depth, and its bias.
  void place(size_t column, std::span<const float> weights, float bias);

  Precision precision() const { return precision_; }
  size_t depth() const { return depth_; }      // groups, padding included
  size_t columns() const { return columns_; }  // padding included
  size_t panel_columns() const { return panel_columns_; }
  size_t panels() const { return columns_ / panel_columns_; }
  std::span<const Group> panel(size_t index) const {
    return {weights_ + index * panel_columns_ * depth_, panel_columns_ * depth_};
  }
  const float* bias() const { return bias_.data(); }
  // See Product. Of int8 only.
  const float* column_scale() const { return column_scale_.data(); }
  const float* column_offset() const { return column_offset_.data(); }
  size_t bytes() const {
    return depth_ * columns_ * sizeof(Group) + bias_.bytes() + column_scale_.bytes() +
           column_offset_.bytes();
  }

 private:
  Precision precision_;
  size_t depth_;
  size_t columns_;
  size_t panel_columns_;
  Group* weights_;  // the arena's
  AlignedFloats bias_, column_scale_, column_offset_;
};

struct PackedNorm {
  AlignedFloats gamma, beta;  // padded with zeros
};

struct PackedLayer {
  PackedLinear query_key_value;  // columns: queries of all heads, keys of all heads, values
  PackedLinear attention_output;
  PackedNorm attention_norm;
  PackedLinear intermediate;
  PackedLinear output;
  PackedNorm output_norm;
};

// The sizes that the encoder computes with.
struct EncoderShape {
  explicit EncoderShape(const EncoderConfig& config);

  size_t hidden;
  size_t heads;
  size_t head;  // columns of one head
  size_t head_padded;
  size_t intermediate;

  // What the product of a query and a key is multiplied by.
  float score_scale() const { return 1.0F / std::sqrt(static_cast<float>(head)); }
};

// Queries, keys and values tell small differences apart, so they may be finer than the rest.
struct ModelPrecision {
  Precision weights;    // of all matrices but those that make queries, keys and values
  Precision attention;  // of queries, keys and values, of attention's own products
  Precision queries;    // of the matrices that make them
};

struct PackedModel {
  PackedModel(const Model& model, const ModelPrecision& precision, size_t panel_columns);
  size_t bytes() const;

  WeightArena arena;
  EncoderConfig config;
  EncoderShape shape;
  ModelPrecision precision;
  Pooling pooling;
  bool normalize;
  EmbeddingTable word_embeddings;
  AlignedFloats position_embeddings, token_type_embeddings;  // rows of `hidden`
  PackedNorm embedding_norm;
  RelativeBias relative_bias;
  std::vector<PackedLayer> layers;
  std::optional<ScoreHead> score_head;
};

}  // namespace hilo
