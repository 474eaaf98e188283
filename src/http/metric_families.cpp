#include "http/metric_families.h"

#include <utility>

#include "base/ensure.h"

namespace hilo::http {
namespace {

double seconds(uint64_t ns) { return static_cast<double>(ns) / 1e9; }

}  // namespace

MetricFamily::MetricFamily(prometheus::MetricType type, std::string name, std::string help)
    : family_{.name = std::move(name), .help = std::move(help), .type = type, .metric = {}} {}

MetricFamily MetricFamily::counter(std::string name, std::string help) {
  return {prometheus::MetricType::Counter, std::move(name), std::move(help)};
}

MetricFamily MetricFamily::gauge(std::string name, std::string help) {
  return {prometheus::MetricType::Gauge, std::move(name), std::move(help)};
}

MetricFamily MetricFamily::durations(std::string name, std::string help) {
  return {prometheus::MetricType::Histogram, std::move(name), std::move(help)};
}

prometheus::ClientMetric& MetricFamily::add(MetricLabels labels) {
  prometheus::ClientMetric& member = family_.metric.emplace_back();
  for (const MetricLabel& label : labels)
    member.label.push_back({label.name, std::string{label.value}});
  return member;
}

MetricFamily& MetricFamily::add(MetricLabels labels, double value) {
  prometheus::ClientMetric& member = add(labels);
  ENSURE(family_.type != prometheus::MetricType::Histogram);
  if (family_.type == prometheus::MetricType::Counter)
    member.counter.value = value;
  else
    member.gauge.value = value;
  return *this;
}

MetricFamily& MetricFamily::add(MetricLabels labels, uint64_t value) {
  return add(labels, static_cast<double>(value));
}

MetricFamily& MetricFamily::add(MetricLabels labels, const DurationCounts& counts,
                                std::span<const uint64_t> bounds_ns) {
  ENSURE(family_.type == prometheus::MetricType::Histogram);
  ENSURE(counts.up_to.size() == bounds_ns.size());
  prometheus::ClientMetric& member = add(labels);
  member.histogram.sample_count = counts.count;
  member.histogram.sample_sum = seconds(counts.sum_ns);
  for (size_t i = 0; i < bounds_ns.size(); ++i)
    member.histogram.bucket.push_back({counts.up_to[i], seconds(bounds_ns[i])});
  return *this;
}

void MetricFamily::end(MetricFamilies& families) {
  if (!family_.metric.empty()) families.push_back(std::move(family_));
}

}  // namespace hilo::http
