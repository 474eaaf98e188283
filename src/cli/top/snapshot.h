// An engine's answer about itself, as numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/result.h"
#include "protocol/lane.h"

namespace hilo {

inline constexpr std::array stages_shown{"intake", "tokenize", "queue", "compute", "deliver"};

struct CountAndSum {
  uint64_t count = 0;
  uint64_t sum = 0;
};

struct LaneNumbers {
  uint64_t open = 0, waiting = 0, oldest_ns = 0;
  uint64_t ok = 0, refused = 0, expired = 0, cancelled = 0;
  uint64_t tokens = 0;
  CountAndSum batch_texts, batch_tokens;
  uint64_t cpu_ns = 0, device_ns = 0;
  uint64_t stops = 0, stopped_ns = 0;
  std::array<CountAndSum, stages_shown.size()> stages;
  HistogramCounts whole;
};

struct ClientNumbers {
  uint64_t id = 0;
  int64_t pid = 0;
  std::string program, lane;
  uint64_t open = 0, texts = 0, tokens = 0;
};

struct Snapshot {
  int64_t pid = 0;
  std::string hilo{}, model{}, backend{}, socket{};
  Instant now;
  Nanoseconds uptime = 0;
  uint64_t budget_bytes = 0, resident_bytes = 0;
  uint64_t cores = 0;
  bool has_device = false;
  std::array<LaneNumbers, lane_count> lanes{};
  std::vector<ClientNumbers> clients{};

  const LaneNumbers& lane(Lane lane) const { return lanes[lane_index(lane)]; }
};

// Of the answer to "metrics buckets".
Result<Snapshot> parse_snapshot(const std::string& answer);

}  // namespace hilo
