#include "http/metrics_page.h"

#include <prometheus/text_serializer.h>

#include "base/duration_bounds.h"
#include "http/engine_metrics.h"
#include "http/openai.h"

namespace hilo::http {
namespace {

constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

// Made on the thread for errands, because it waits for the engine.
Answer metrics(const Request&, const Context& context) {
  return Errand{[page = context.metrics_page] { return page->response(); }};
}

DurationCounts durations_of(const Histogram& histogram) {
  const HistogramCounts counts = histogram.counts();
  return {counts.count(), counts.sum(), counts.up_to(duration_bounds_ns)};
}

std::string status_label(size_t place) {
  return place < counted_statuses.size() ? std::to_string(counted_statuses[place]) : "other";
}

void add_routes(MetricFamilies& families, const HttpMetrics& metrics) {
  auto requests = MetricFamily::counter("hilo_http_requests_total",
                                        "Requests; 499 is a client that hung up before.");
  auto whole = MetricFamily::durations("hilo_http_request_seconds",
                                       "From a request's first byte to its response's last.");
  for (const RouteMetrics& route : metrics.routes())
    for (size_t lane = 0; lane < lane_labels.size(); ++lane) {
      bool any = false;
      for (size_t place = 0; place < route.requests[lane].size(); ++place)
        if (const uint64_t count = route.requests[lane][place].get(); count > 0) {
          any = true;
          requests.add({{"method", route.method},
                        {"route", route.path},
                        {"lane", lane_labels[lane]},
                        {"status", status_label(place)}},
                       count);
        }
      if (!any) continue;  // Its histogram is empty, too.
      if (const DurationCounts counts = durations_of(route.whole_ns[lane]); counts.count > 0)
        whole.add({{"method", route.method}, {"route", route.path}, {"lane", lane_labels[lane]}},
                  counts, duration_bounds_ns);
    }
  requests.end(families);
  whole.end(families);
}

void add_lanes(MetricFamilies& families, const HttpMetrics& metrics) {
  auto texts = MetricFamily::counter("hilo_http_texts_total", "Texts that were answered.");
  auto tokens = MetricFamily::counter("hilo_http_tokens_total", "Tokens of these texts.");
  auto refused = MetricFamily::counter("hilo_http_refused_total",
                                       "Requests that were answered with 429: too much waits.");
  auto stages = MetricFamily::durations("hilo_http_stage_seconds",
                                        "Time of requests in each stage of this server.");
  for (size_t lane = 0; lane < lane_labels.size(); ++lane) {
    const HttpLaneMetrics& of = metrics.lane(lane);
    const char* const label = lane_labels[lane];
    refused.add({{"lane", label}}, of.refused.get());
    if (lane == lane_count) continue;
    texts.add({{"lane", label}}, of.texts.get());
    tokens.add({{"lane", label}}, of.tokens.get());
    for (size_t stage = 0; stage < http_stage_names.size(); ++stage)
      stages.add({{"lane", label}, {"stage", http_stage_names[stage]}},
                 durations_of(of.stage_ns[stage]), duration_bounds_ns);
  }
  texts.end(families);
  tokens.end(families);
  refused.end(families);
  stages.end(families);
}

void add_gauges(MetricFamilies& families, const HttpMetrics& metrics) {
  const HttpGauges& now = metrics.gauges;
  const auto gauge = [&families](const char* name, const char* help, const Counter& value) {
    MetricFamily::gauge(name, help).add({}, value.get()).end(families);
  };
  const auto counter = [&families](const char* name, const char* help, const Counter& value) {
    MetricFamily::counter(name, help).add({}, value.get()).end(families);
  };
  gauge("hilo_http_requests_in_flight", "Requests read and not answered.", now.requests_in_flight);
  gauge("hilo_http_bodies_bytes", "Bodies that are being read or worked on.", now.bodies_bytes);
  gauge("hilo_http_connections", "Open connections.", now.connections);
  gauge("hilo_http_engine_connected", "Whether this server has found its engine.",
        now.engine_connected);
  gauge("hilo_http_draining", "Whether this server, or its engine, is shutting down.",
        now.draining);
  counter("hilo_http_connections_total", "Connections that were let in.",
          metrics.connections_accepted);
  counter("hilo_http_connections_refused_total", "Connections that were turned away.",
          metrics.connections_refused);
  counter("hilo_http_log_lines_dropped_total", "Lines that the access log had no room for.",
          metrics.log_lines_dropped);
  auto in_flight = MetricFamily::gauge("hilo_http_texts_in_flight", "Texts read and not answered.");
  auto queued = MetricFamily::gauge("hilo_http_texts_queued",
                                    "Of these, texts that wait for a place in the engine.");
  for (size_t lane = 0; lane < lane_count; ++lane) {
    in_flight.add({{"lane", lane_labels[lane]}}, now.texts_in_flight[lane].get());
    queued.add({{"lane", lane_labels[lane]}}, now.texts_queued[lane].get());
  }
  in_flight.end(families);
  queued.end(families);
}

}  // namespace

std::vector<Route> metrics_routes() {
  return {{"GET", "/metrics", metrics, write_openai_problem, false}};
}

void add_http_metrics(MetricFamilies& families, const HttpMetrics& metrics) {
  MetricFamily::gauge("hilo_build_info", "The version of this server.")
      .add({{"version", HILO_VERSION}}, 1.0)
      .end(families);
  add_routes(families, metrics);
  add_lanes(families, metrics);
  add_gauges(families, metrics);
}

Response MetricsPage::response() {
  return {.body = text_.at(monotonic_now(), [this] { return make(); }),
          .content_type = content_type};
}

std::string MetricsPage::make() {
  MetricFamilies families;
  add_http_metrics(families, metrics_);
  add_engine_metrics(families, engine_.ask("metrics histograms"));
  add_process_metrics(families, metrics_.started);
  const prometheus::TextSerializer serializer;
  return serializer.Serialize(families);
}

}  // namespace hilo::http
