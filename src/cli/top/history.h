// The last snapshots of one engine, and what they say about the time between two of them.
#pragma once

#include <deque>
#include <vector>

#include "cli/top/snapshot.h"

namespace hilo {

// Between two snapshots.
struct LaneFigures {
  double texts_per_s = 0;
  double tokens_per_s = 0;
  double compute_share = 0;  // of all cores, or of the device, 0 to 1
  double stops_per_s = 0;
  double stopped_share = 0;  // of all cores, 0 to 1
  double texts_per_batch = 0;
  double tokens_per_batch = 0;
  HistogramCounts whole;
  std::array<double, stages_shown.size()> stage_ns{};  // mean
};

LaneFigures figures_between(const Snapshot& older, const Snapshot& newer, Lane lane);

class History {
 public:
  static constexpr size_t snapshots_max = 300;

  // A snapshot of another engine, or of one that was started again, begins anew.
  void add(Snapshot snapshot);
  const Snapshot& newest() const { return snapshots_.back(); }
  // The newest that is at least so old; the oldest if none is.
  const Snapshot& before(Nanoseconds age) const;
  bool has_two() const { return snapshots_.size() > 1; }

  // One value for each snapshot but the first, oldest first, at most `count`.
  template <class Value>
  std::vector<double> series(size_t count, Value value) const {
    std::vector<double> values;
    const size_t first = snapshots_.size() > count ? snapshots_.size() - count : 1;
    for (size_t i = first; i < snapshots_.size(); ++i)
      values.push_back(value(snapshots_[i - 1], snapshots_[i]));
    return values;
  }

 private:
  std::deque<Snapshot> snapshots_;
};

}  // namespace hilo
