// Scores of a cross-encoder: logits to probabilities, and the best first.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "http/exchange.h"

namespace hilo::http {

struct Ranked {
  size_t index;  // in the order of the work
  float score;
};

// Of one-dimensional vectors, which are logits: in the order of the work. Nothing if one of them is
// no number, which no order has a place for.
std::optional<std::vector<Ranked>> read_scores(const Vectors& logits, bool raw);
// Best first; equal ones stay in their order.
void rank(std::vector<Ranked>& scores);

// For a score that is no number.
Problem no_score();

}  // namespace hilo::http
