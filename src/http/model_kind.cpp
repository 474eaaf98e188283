#include "http/model_kind.h"

#include <fmt/format.h>

namespace hilo::http {

Outcome<void> check_makes_vectors(const Context& context) {
  if (!context.about->cross_encoder) return {};
  return Problem{.kind = ProblemKind::wrong_model,
                 .message = fmt::format(
                     "The model '{}' makes no vectors: it is a cross-encoder, which scores pairs "
                     "of texts at /v1/rerank or /rerank.",
                     context.about->model),
                 .field = "model"};
}

Outcome<void> check_scores_pairs(const Context& context) {
  if (context.about->cross_encoder) return {};
  return Problem{.kind = ProblemKind::wrong_model,
                 .message = fmt::format(
                     "The model '{}' scores no pairs of texts: it is no cross-encoder, and makes "
                     "vectors at /v1/embeddings or /embed.",
                     context.about->model),
                 .field = "model"};
}

}  // namespace hilo::http
