#include "http/scores.h"

#include <algorithm>
#include <cmath>

namespace hilo::http {
namespace {

// The logistic function.
float probability_of(float logit) { return 1.0F / (1.0F + std::exp(-logit)); }

}  // namespace

std::optional<std::vector<Ranked>> read_scores(const Vectors& logits, bool raw) {
  std::vector<Ranked> scores;
  scores.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const float logit = logits[i].front();
    if (std::isnan(logit)) return std::nullopt;
    scores.push_back({i, raw ? logit : probability_of(logit)});
  }
  return scores;
}

void rank(std::vector<Ranked>& scores) {
  std::ranges::sort(scores, [](const Ranked& a, const Ranked& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  });
}

Problem no_score() {
  return {.kind = ProblemKind::engine_failed, .message = "The model's score is not a number."};
}

}  // namespace hilo::http
