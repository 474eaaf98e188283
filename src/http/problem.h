// Why a request gets no answer of the kind that it asked for: a kind, and one sentence for whoever
// wrote the client. Each family of routes renders it in the form its clients expect.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "http/request.h"

namespace hilo::http {

enum class ProblemKind {
  bad_request,
  malformed_request,  // not by the rules of HTTP
  malformed_json,
  empty_list,
  unknown_tokens,  // no such token id, or no tokenizer that could tell
  wrong_model,     // it does not compute that
  unauthorized,
  forbidden,
  no_such_model,
  no_such_route,
  wrong_method,
  too_slow,
  body_too_large,
  unknown_encoding,
  header_too_large,
  overloaded,
  engine_failed,
  unavailable,
  expired,
};

struct Problem {
  ProblemKind kind = ProblemKind::bad_request;
  std::string message = {};
  std::string field = {};       // of the body, where one is to blame
  uint32_t retry_after_ms = 0;  // 0: nobody knows
};

template <class T>
using Outcome = Result<T, Problem>;

unsigned status_of(ProblemKind kind);

// The status and the headers that a problem has in every family; the body is the family's.
Response problem_response(const Problem& problem, std::string body);

}  // namespace hilo::http
