// What a running engine answers when it is asked about itself. docs/OPERATIONS.md says what each
// number means.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/cached_text.h"
#include "base/clock.h"
#include "engine/engine.h"

namespace hilo {

// Another number when a field goes or changes its meaning; new fields may come at any time.
inline constexpr int metrics_version = 1;

struct EngineAbout {
  std::string model;
  std::string backend;
  std::string socket;  // where programs connect; empty if nowhere
  size_t budget_bytes = 0;
  Instant started;
};

// Counting everything together takes most of a millisecond, so whoever asks more often is told the
// same again, also what time it was.
inline constexpr Nanoseconds answer_age_max = 50 * millisecond_ns;

// How much is told besides the numbers.
enum class MetricsDetail {
  none,
  buckets,  // the counts behind the whole way's quantiles, for those of a time of the reader's own
  histograms,  // each stage's counts up to round bounds
};

// Control thread. "metrics", "metrics buckets" and "metrics histograms" are answered with one JSON
// object each.
class EngineAnswers {
 public:
  EngineAnswers(const Engine& engine, EngineAbout about)
      : engine_(engine), about_(std::move(about)) {}
  std::string to(std::string_view question, Instant now);

 private:
  const Engine& engine_;
  const EngineAbout about_;
  std::array<CachedText, 3> texts_{CachedText{answer_age_max}, CachedText{answer_age_max},
                                   CachedText{answer_age_max}};
};

}  // namespace hilo
