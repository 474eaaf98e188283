// From a text's first row to the score of a cross-encoder.
#pragma once

#include <cstddef>

#include "backend/cpu/aligned_array.h"
#include "backend/yield_gate.h"
#include "model/model.h"

namespace hilo {

// What a model makes of its logit.
float score_of_logit(ScoreFunction function, float logit);

class ScoreHead {
 public:
  ScoreHead(const ScoreHeadWeights& weights, ScoreFunction function);

  size_t bytes() const { return dense_.bytes() + dense_bias_.bytes() + output_.bytes(); }
  // output(tanh(dense(row))). Passes the gate for each row of weights.
  float logit(const float* row, const YieldGate& gate) const;
  float score_of(float logit) const { return score_of_logit(function_, logit); }

 private:
  AlignedFloats dense_, dense_bias_, output_;  // [hidden, hidden], [hidden], [hidden]
  float output_bias_;
  ScoreFunction function_;
};

}  // namespace hilo
