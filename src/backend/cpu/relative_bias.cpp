#include "backend/cpu/relative_bias.h"

#include "base/ensure.h"
#include "model/relative_bucket.h"

namespace hilo {

RelativeBias::RelativeBias(const Tensor& table, size_t tokens_max, float scale)
    : tokens_max_(tokens_max), values_(table.columns * (2 * tokens_max - 1)) {
  ENSURE(table.rows == relative_buckets);
  const size_t distances = 2 * tokens_max - 1;
  for (size_t i = 0; i < distances; ++i) {
    const auto distance = static_cast<int32_t>(i) - static_cast<int32_t>(tokens_max - 1);
    const float* biases = table.data + size_t{relative_bucket(distance)} * table.columns;
    for (size_t head = 0; head < table.columns; ++head) {
      values_.data()[head * distances + i] = biases[head] / scale;
    }
  }
}

void RelativeBias::add(size_t head, size_t query, size_t keys, float* scores) const {
  ENSURE(query < keys);
  ENSURE(keys <= tokens_max_);
  const float* biases = values_.data() + head * (2 * tokens_max_ - 1) + tokens_max_ - 1 - query;
  for (size_t key = 0; key < keys; ++key) scores[key] += biases[key];
}

}  // namespace hilo
