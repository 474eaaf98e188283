// Whether the model that is served computes what a route gives: vectors of texts, or scores of
// pairs.
#pragma once

#include "http/exchange.h"

namespace hilo::http {

Outcome<void> check_makes_vectors(const Context& context);
Outcome<void> check_scores_pairs(const Context& context);

}  // namespace hilo::http
