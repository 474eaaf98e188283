// GET /metrics: this process's numbers and the engine's, in Prometheus's text format.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "base/cached_text.h"
#include "http/engine_inquiry.h"
#include "http/exchange.h"
#include "http/http_metrics.h"
#include "http/metric_families.h"

namespace hilo::http {

std::vector<Route> metrics_routes();

// This process's own.
void add_http_metrics(MetricFamilies& families, const HttpMetrics& metrics);
void add_process_metrics(MetricFamilies& families, std::time_t started);

// Threads: one, that may wait for the engine.
class MetricsPage {
 public:
  MetricsPage(const HttpMetrics& metrics, std::string engine_socket)
      : metrics_(metrics), engine_(std::move(engine_socket)) {}

  Response response();

 private:
  // Whoever asks in a loop costs little.
  static constexpr Nanoseconds age_max = 100 * millisecond_ns;

  std::string make();

  const HttpMetrics& metrics_;
  EngineInquiry engine_;
  CachedText text_{age_max};
};

}  // namespace hilo::http
