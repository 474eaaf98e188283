// What this process counts of its requests, for /metrics.
//
// Threads: the io thread writes; any thread reads at the same time, without a lock. Recording a
// request is some dozen plain moves and never allocates. Memory: 55 KiB a route, had at the start.
#pragma once

#include <array>
#include <ctime>
#include <span>
#include <vector>

#include "base/histogram.h"
#include "http/request_record.h"

namespace hilo::http {

// The lanes, and requests that needed none or did not come that far.
inline constexpr std::array<const char*, lane_count + 1> lane_labels{"high", "low", "none"};
inline constexpr size_t label_of(std::optional<Lane> lane) {
  return lane ? index_of(*lane) : lane_count;
}

// From the first byte of a request to the last of its response. Each ends where the next begins.
inline constexpr std::array<const char*, 5> http_stage_names{"receive", "parse", "compute", "write",
                                                             "send"};

inline constexpr std::array<unsigned, 18> counted_statuses{
    200, 204, 400, 401, 403, 404, 405, 408, 413, 415, 422, 424, 429, 431, 499, 500, 503, 504};

struct RouteMetrics {
  std::string_view method;
  std::string_view path;
  // By lane; the last of the counters is for every other status.
  std::array<std::array<Counter, counted_statuses.size() + 1>, lane_labels.size()> requests;
  std::array<Histogram, lane_labels.size()> whole_ns;
};

struct HttpLaneMetrics {
  Counter texts;   // of requests that were answered with 200
  Counter tokens;  // of these
  Counter refused;
  std::array<Histogram, http_stage_names.size()> stage_ns;
};

// What is so now; told once a tick.
struct HttpGauges {
  Counter connections;
  Counter requests_in_flight;
  Counter bodies_bytes;
  std::array<Counter, lane_count> texts_in_flight;
  std::array<Counter, lane_count> texts_queued;  // of these, not yet with the engine
  Counter engine_connected;
  Counter draining;
};

class HttpMetrics {
 public:
  // One that matches no route is counted, too, with an empty method and path.
  explicit HttpMetrics(std::span<const Route> routes);

  // ---- The io thread

  void count(const RequestRecord& record);
  HttpGauges gauges;
  Counter connections_accepted;
  Counter connections_refused;
  Counter log_lines_dropped;

  // ---- Anybody

  const std::time_t started = std::time(nullptr);
  std::span<const RouteMetrics> routes() const { return by_route_; }
  const HttpLaneMetrics& lane(size_t label) const { return by_lane_[label]; }

 private:
  const Route* const first_route_;
  std::vector<RouteMetrics> by_route_;  // in the order of the routes, and at the end: none
  std::array<HttpLaneMetrics, lane_labels.size()> by_lane_;
};

}  // namespace hilo::http
