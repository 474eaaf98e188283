// MPNet's bias of attention scores: each head has learned a number for each bucket of distances
// between key and query.
#pragma once

#include <cstddef>

#include "backend/cpu/aligned_array.h"
#include "model/model.h"

namespace hilo {

class RelativeBias {
 public:
  RelativeBias() = default;  // for families without it
  // `table` is [relative_buckets, heads]. Scores are multiplied by `scale` after the bias has been
  // added; the reference adds it behind that, so it is divided by `scale` here.
  RelativeBias(const Tensor& table, size_t tokens_max, float scale);

  bool empty() const { return values_.size() == 0; }
  size_t bytes() const { return values_.bytes(); }
  // Adds the biases of one query, by its place in its text, to its scores for the text's keys.
  void add(size_t head, size_t query, size_t keys, float* scores) const;

 private:
  size_t tokens_max_ = 0;
  // For each head, every distance from -(tokens_max - 1) to tokens_max - 1: the biases of a query's
  // keys are then consecutive.
  AlignedFloats values_;
};

}  // namespace hilo
