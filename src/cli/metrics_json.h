// What a running engine answers when it is asked about itself. docs/OPERATIONS.md says what each
// number means.
#pragma once

#include <string>
#include <string_view>

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

// Control thread. "metrics" is answered with one JSON object, "metrics buckets" with the counts
// behind the whole way's quantiles as well, from which a reader makes those of a time of its own.
std::string answer_about(std::string_view question, const Engine& engine, const EngineAbout& about);

}  // namespace hilo
