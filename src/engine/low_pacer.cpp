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
// LOW's time is over when the second look in turn has not come.
constexpr Nanoseconds steps_without_look = 2;
constexpr double low_least = 0.05;
constexpr double extra_margin_step = 0.05;
constexpr double extra_margin_max = 0.4;

constexpr Nanoseconds interval_min = millisecond_ns / 2;
constexpr Nanoseconds interval_max = 5 * millisecond_ns;

// What was learned loses two thirds in this time.
constexpr Nanoseconds memory = 20 * second_ns;

}  // namespace

// So short that LOW cannot run far ahead.
Nanoseconds LowPacer::step() const {
  const double each = ahead_max * static_cast<double>(quota_.time) / low_cores_;
  return std::clamp(static_cast<Nanoseconds>(each), interval_min, interval_max);
}

// Each look costs, and the quota pays. LOW that must stop is looked at when its time has come, and
// one that does not use its time, because HIGH has the cores, half as often.
Nanoseconds LowPacer::interval() const {
  if (credit_ > 0) return low_uses_its_time_ ? step() : steps_without_look * step();
  const double due = -credit_ / low_each_period() * static_cast<double>(quota_.period);
  return std::clamp(static_cast<Nanoseconds>(due), interval_min, interval_max);
}

double LowPacer::low_each_period() const {
  const auto quota = static_cast<double>(quota_.time);
  return std::max((1 - margin) * quota - extra_margin_ - others_most_, low_least * quota);
}

Nanoseconds LowPacer::look(Instant now, const CpuSpent& spent) {
  const Nanoseconds elapsed = now - looked_at_;
  const auto quota = static_cast<double>(quota_.time);
  const double kept = std::exp(-static_cast<double>(elapsed) / memory);
  const auto low = static_cast<double>(spent.low - spent_.low);
  const double before = others_most_;

  others_most_ *= kept;
  extra_margin_ *= kept;
  if (spent.group) learn(now, spent);
  low_uses_its_time_ = credit_ <= 0 || low > 0;

  const double each_period = low_each_period();
  const double periods = static_cast<double>(elapsed) / static_cast<double>(quota_.period);
  credit_ += each_period * periods - low - std::max(others_most_ - before, 0.0);
  // LOW that was idle has not saved for a burst; LOW that ran ahead stands for a period at most.
  credit_ = std::clamp(credit_, -each_period, ahead_max * quota);
  looked_at_ = now;
  spent_ = spent;
  return credit_ > 0 ? steps_without_look * step() : 0;
}

void LowPacer::learn(Instant now, const CpuSpent& spent) {
  if (learned_.group) {
    const Nanoseconds all = spent.group->time - learned_.group->time;
    const Nanoseconds others = std::max<Nanoseconds>(all - (spent.low - learned_.low), 0);
    count_others(now, now - learned_at_, static_cast<double>(others));
    const auto quota = static_cast<double>(quota_.time);
    if (spent.group->times_throttled > learned_.group->times_throttled)
      extra_margin_ = std::min(extra_margin_ + extra_margin_step * quota, extra_margin_max * quota);
  }
  learned_at_ = now;
  learned_ = spent;
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
