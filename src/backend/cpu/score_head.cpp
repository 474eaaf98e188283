#include "backend/cpu/score_head.h"

#include <array>
#include <cmath>

#include "backend/cpu/tensor_copy.h"
#include "base/ensure.h"

namespace hilo {
namespace {

// One sum for each lane, so that the compiler may use vectors of any width up to this.
float product(const float* a, const float* b, size_t count) {
  constexpr size_t lanes = 16;
  std::array<float, lanes> sums{};
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (size_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  float total = 0.0F;
  for (const float sum : sums) total += sum;
  for (; i < count; ++i) total += a[i] * b[i];
  return total;
}

}  // namespace

ScoreHead::ScoreHead(const ScoreHeadWeights& weights, ScoreFunction function)
    : dense_(copy_of(weights.dense.weight)),
      dense_bias_(copy_of(weights.dense.bias)),
      output_(copy_of(weights.output.weight)),
      output_bias_(*weights.output.bias.data),
      function_(function) {
  ENSURE(dense_.size() == output_.size() * output_.size());
  ENSURE(dense_bias_.size() == output_.size());
}

float ScoreHead::logit(const float* row, const YieldGate& gate) const {
  const size_t columns = output_.size();
  float sum = output_bias_;
  for (size_t i = 0; i < columns; ++i) {
    const float dense = product(dense_.data() + i * columns, row, columns);
    sum += output_.data()[i] * std::tanh(dense + dense_bias_.data()[i]);
    if (!gate.pass()) return 0.0F;
  }
  return sum;
}

float score_of_logit(ScoreFunction function, float logit) {
  return function == ScoreFunction::sigmoid ? 1.0F / (1.0F + std::exp(-logit)) : logit;
}

}  // namespace hilo
