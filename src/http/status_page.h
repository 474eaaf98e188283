// GET /status: what the live page shows, as one JSON object. docs/HTTP.md has its fields.
#pragma once

#include <string>
#include <vector>

#include "base/cached_text.h"
#include "http/engine_inquiry.h"
#include "http/exchange.h"
#include "http/http_metrics.h"

namespace hilo::http {

std::vector<Route> status_routes();

// Threads: one, that may wait for the engine.
class StatusPage {
 public:
  StatusPage(const HttpMetrics& metrics, std::string engine_socket)
      : metrics_(metrics), engine_(std::move(engine_socket)) {}

  // What this process counts of itself.
  std::string counts() const;
  // What the engine tells of its lanes and clients, the same as to `hilo top`; "null" if it tells
  // nothing.
  const std::string& report();

 private:
  // The engine is asked once a second at most, however many look. A page that looks every second
  // shall not be told the same twice because it was a little early.
  static constexpr Nanoseconds age_max = 900 * millisecond_ns;

  const HttpMetrics& metrics_;
  EngineInquiry engine_;
  CachedText report_{age_max};
};

}  // namespace hilo::http
