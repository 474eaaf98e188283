#include "engine/low_pacer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hilo {
namespace {

// Shares of the quota. The margin covers what LOW spends ahead, and what the kernel has handed to
// one core and not taken back when another needs it.
constexpr double margin = 0.08;
constexpr double ahead_max = 0.04;
constexpr double low_least = 0.05;
constexpr double extra_margin_step = 0.05;
constexpr double extra_margin_max = 0.4;

constexpr Nanoseconds interval_min = millisecond_ns / 2;
constexpr Nanoseconds interval_max = 5 * millisecond_ns;

// What was learned loses two thirds in this time.
constexpr Nanoseconds memory = 20 * second_ns;

}  // namespace

Nanoseconds LowPacer::interval() const {
  const double each = ahead_max * static_cast<double>(quota_.time) / low_cores_;
  return std::clamp(static_cast<Nanoseconds>(each), interval_min, interval_max);
}

double LowPacer::low_each_period() const {
  const auto quota = static_cast<double>(quota_.time);
  return std::max((1 - margin) * quota - extra_margin_ - others_most_, low_least * quota);
}

bool LowPacer::look(Instant now, const CpuSpent& spent) {
  const Nanoseconds elapsed = now - looked_at_;
  const auto quota = static_cast<double>(quota_.time);
  const double kept = std::exp(-static_cast<double>(elapsed) / memory);
  const auto low = static_cast<double>(spent.low - spent_.low);
  const double before = others_most_;

  others_most_ *= kept;
  count_others(now, elapsed, std::max(static_cast<double>(spent.all - spent_.all) - low, 0.0));
  extra_margin_ *= kept;
  if (spent.times_throttled > spent_.times_throttled)
    extra_margin_ = std::min(extra_margin_ + extra_margin_step * quota, extra_margin_max * quota);

  const double each_period = low_each_period();
  const double periods = static_cast<double>(elapsed) / static_cast<double>(quota_.period);
  credit_ += each_period * periods - low - std::max(others_most_ - before, 0.0);
  // LOW that was idle has not saved for a burst; LOW that ran ahead stands for a period at most.
  credit_ = std::clamp(credit_, -each_period, ahead_max * quota);
  looked_at_ = now;
  spent_ = spent;
  return credit_ > 0;
}

void LowPacer::count_others(Instant now, Nanoseconds elapsed, double spent) {
  const Nanoseconds part_length = quota_.period / parts;
  if (elapsed >= quota_.period) {
    // Nobody has looked for long: only the average is known.
    others_.fill(spent / static_cast<double>(elapsed) * static_cast<double>(part_length));
    part_began_ = now;
  } else {
    for (; now - part_began_ >= part_length; part_began_ = part_began_ + part_length) {
      part_ = (part_ + 1) % others_.size();
      others_[part_] = 0;
    }
    others_[part_] += spent;
  }
  const double in_latest_period = std::accumulate(others_.begin(), others_.end(), 0.0);
  others_most_ = std::max(others_most_, in_latest_period);
}

}  // namespace hilo
