// What the engine says of itself, as metrics.
#pragma once

#include <string_view>

#include "http/metric_families.h"

namespace hilo::http {

// `answer` is the engine's to "metrics histograms"; empty, or no JSON object: it gave none, which
// is a metric, too.
void add_engine_metrics(MetricFamilies& families, std::string_view answer);

}  // namespace hilo::http
