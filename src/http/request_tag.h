// What tells a request apart in the logs of several programs: its id, and the trace that it is a
// part of.
//
// Threads: one.
#pragma once

#include <random>
#include <string>
#include <string_view>

#include "http/request.h"

namespace hilo::http {

struct RequestTag {
  std::string id;
  std::string traceparent = {};  // empty: none came

  // Of the traceparent; empty without one.
  std::string_view trace_id() const {
    return traceparent.empty() ? std::string_view{} : std::string_view{traceparent}.substr(3, 32);
  }
};

// Whether a header is what W3C Trace Context calls a traceparent.
bool is_traceparent(std::string_view text);

class RequestTags {
 public:
  RequestTags();

  // An X-Request-Id is kept if it is of a kind that is safe in every log; otherwise, and without
  // one, an id is made. A traceparent that is none is as good as absent.
  RequestTag of(const Request& request);

 private:
  std::string make_id();

  std::mt19937_64 random_;
};

}  // namespace hilo::http
