// Metrics in the form that prometheus-cpp writes out: a family has a name and a sentence, and
// members that differ in their labels.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <prometheus/metric_family.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hilo::http {

using MetricFamilies = std::vector<prometheus::MetricFamily>;

struct MetricLabel {
  const char* name;
  std::string_view value;
};
using MetricLabels = std::initializer_list<MetricLabel>;

// Durations as they are counted here: in nanoseconds, with how many were not above each bound.
struct DurationCounts {
  uint64_t count;
  uint64_t sum_ns;
  std::vector<uint64_t> up_to;
};

// A family under way. Whatever has no members is not written.
class MetricFamily {
 public:
  static MetricFamily counter(std::string name, std::string help);
  static MetricFamily gauge(std::string name, std::string help);
  static MetricFamily durations(std::string name, std::string help);

  MetricFamily& add(MetricLabels labels, double value);
  MetricFamily& add(MetricLabels labels, uint64_t value);
  MetricFamily& add(MetricLabels labels, const DurationCounts& counts,
                    std::span<const uint64_t> bounds_ns);
  void end(MetricFamilies& families);

 private:
  MetricFamily(prometheus::MetricType type, std::string name, std::string help);
  prometheus::ClientMetric& add(MetricLabels labels);

  prometheus::MetricFamily family_;
};

}  // namespace hilo::http
