// What is known of a request once its response was sent, for metrics and the access log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/exchange.h"
#include "http/request_tag.h"

namespace hilo::http {

struct RequestRecord {
  const Request* request = nullptr;  // null: it could not be read
  RequestTag tag = {};
  std::string_view client = {};  // where the connection comes from
  std::string caller = {};       // the name of its API key
  const Route* route = nullptr;  // null: none was found
  unsigned status = 0;
  std::optional<Lane> lane;  // none: no engine was needed, or it did not come to that
  size_t texts = 0;
  uint64_t tokens = 0;
  uint64_t engine_ns_max = 0;  // the slowest text's time in the engine
  size_t request_bytes = 0;    // of the bodies, as they crossed the wire
  size_t response_bytes = 0;
  bool hung_up = false;  // the client went away before it had its response
  // In order; one that was not reached is that of the step before.
  Instant begun;     // the first byte was there
  Instant received;  // the body was there
  Instant parsed;
  Instant computed;
  Instant written;  // the body of the response was made
  Instant sent;
};

}  // namespace hilo::http
