#include "http/http_metrics.h"

#include <algorithm>

namespace hilo::http {
namespace {

constexpr unsigned status_refused = 429;

size_t place_of(unsigned status) {
  return static_cast<size_t>(std::ranges::find(counted_statuses, status) -
                             counted_statuses.begin());
}

uint64_t between(Instant from, Instant until) {
  return until > from ? static_cast<uint64_t>(until - from) : 0;
}

}  // namespace

HttpMetrics::HttpMetrics(std::span<const Route> routes)
    : first_route_(routes.data()), by_route_(routes.size() + 1) {
  for (size_t i = 0; i < routes.size(); ++i) {
    by_route_[i].method = routes[i].method;
    by_route_[i].path = routes[i].path;
  }
}

void HttpMetrics::count(const RequestRecord& record) {
  const size_t lane = label_of(record.lane);
  const size_t route_index = record.route == nullptr
                                 ? by_route_.size() - 1
                                 : static_cast<size_t>(record.route - first_route_);
  RouteMetrics& route = by_route_[route_index];
  route.requests[lane][place_of(record.status)].add(1);
  route.whole_ns[lane].record(between(record.begun, record.sent));

  HttpLaneMetrics& totals = by_lane_[lane];
  const std::array steps{record.begun,    record.received, record.parsed,
                         record.computed, record.written,  record.sent};
  for (size_t stage = 0; stage < http_stage_names.size(); ++stage)
    totals.stage_ns[stage].record(between(steps[stage], steps[stage + 1]));
  if (record.status == status_refused) totals.refused.add(1);
  if (record.status != 200) return;
  totals.texts.add(record.texts);
  totals.tokens.add(record.tokens);
}

}  // namespace hilo::http
