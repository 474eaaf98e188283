// What a running engine answers when it is asked about itself. docs/OPERATIONS.md says what each
// number means.
#pragma once

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

// Control thread. "metrics" is answered with one JSON object, "metrics buckets" with the counts
// behind the whole way's quantiles as well, from which a reader makes those of a time of its own.
class EngineAnswers {
 public:
  EngineAnswers(const Engine& engine, EngineAbout about)
      : engine_(engine), about_(std::move(about)) {}
  std::string to(std::string_view question, Instant now);

 private:
  const Engine& engine_;
  const EngineAbout about_;
  CachedText metrics_{answer_age_max};
  CachedText with_buckets_{answer_age_max};
};

}  // namespace hilo
