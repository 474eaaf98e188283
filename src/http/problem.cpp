#include "http/problem.h"

namespace hilo::http {

unsigned status_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::bad_request:
    case ProblemKind::malformed_request:
    case ProblemKind::malformed_json:
    case ProblemKind::empty_list:
    case ProblemKind::unknown_tokens:
    case ProblemKind::wrong_model:
      return 400;
    case ProblemKind::unauthorized:
      return 401;
    case ProblemKind::forbidden:
      return 403;
    case ProblemKind::no_such_model:
    case ProblemKind::no_such_route:
      return 404;
    case ProblemKind::wrong_method:
      return 405;
    case ProblemKind::too_slow:
      return 408;
    case ProblemKind::body_too_large:
      return 413;
    case ProblemKind::unknown_encoding:
      return 415;
    case ProblemKind::overloaded:
      return 429;
    case ProblemKind::header_too_large:
      return 431;
    case ProblemKind::engine_failed:
      return 500;
    case ProblemKind::unavailable:
      return 503;
    case ProblemKind::expired:
      return 504;
  }
  ENSURE(false);
}

Response problem_response(const Problem& problem, std::string body) {
  Response response{.status = status_of(problem.kind), .body = std::move(body)};
  if (problem.kind == ProblemKind::unauthorized)
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (problem.retry_after_ms > 0) {
    // Whole seconds are the standard's; the official OpenAI clients look for milliseconds first.
    response.headers.emplace_back("Retry-After",
                                  std::to_string((problem.retry_after_ms + 999) / 1000));
    response.headers.emplace_back("retry-after-ms", std::to_string(problem.retry_after_ms));
  }
  return response;
}

}  // namespace hilo::http
