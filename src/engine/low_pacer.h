// When LOW may compute, where the kernel allows us only so much CPU time a period. If LOW spent all
// of it, the kernel would stop HIGH as well, until the period ends.
//
//   |<-------------------------- quota -------------------------->|
//   | LOW, spread evenly over the period | most of others | margin |
//
// Others are HIGH, the intake thread, and other processes of the same control group; what they had
// in any recent period is kept for them. LOW is spread evenly because nobody tells when the
// kernel's periods begin: so it holds for any of them. When others take more than they ever did,
// LOW gives up as much at once. A small share stays LOW's whatever happens, so that it never
// starves.
//
// A function of clock readings and counters alone. Whoever has it looks again after interval(). LOW
// stops by itself when its time is over: whoever looks may be late, on a machine with other work.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "engine/cpu_quota.h"

namespace hilo {

// Counters that only grow.
struct CpuSpent {
  struct Group {
    Nanoseconds time = 0;
    uint64_t times_throttled = 0;
  };
  Nanoseconds low = 0;           // by LOW workers
  std::optional<Group> group{};  // by all; nothing: it could not be read this time
};

class LowPacer {
 public:
  // `low_cores`: so many LOW workers compute at once.
  LowPacer(const CpuQuota& quota, uint32_t low_cores, Instant now, const CpuSpent& spent)
      : quota_(quota),
        low_cores_(low_cores),
        looked_at_(now),
        learned_at_(now),
        part_began_(now),
        spent_(spent),
        learned_(spent) {}

  // What was learned of the others stays.
  void change_quota(const CpuQuota& quota) { quota_ = quota; }

  // How long LOW may compute from now; 0: it must stop.
  Nanoseconds look(Instant now, const CpuSpent& spent);
  // When to look again.
  Nanoseconds interval() const;

 private:
  static constexpr Nanoseconds parts = 8;

  void learn(Instant now, const CpuSpent& spent);
  void count_others(Instant now, Nanoseconds elapsed, double spent);
  double low_each_period() const;
  Nanoseconds step() const;

  CpuQuota quota_;
  uint32_t low_cores_;
  Instant looked_at_;
  Instant learned_at_;
  Instant part_began_;
  CpuSpent spent_;    // when last looked at
  CpuSpent learned_;  // when last learned from
  // What others spent in the latest period, in parts; and the most in any, slowly forgotten.
  std::array<double, parts> others_{};
  size_t part_ = 0;
  double others_most_ = 0;
  // Kept free besides, once the kernel has stopped us all the same.
  double extra_margin_ = 0;
  // CPU time that LOW may spend now.
  double credit_ = 0;
  bool low_uses_its_time_ = true;
};

}  // namespace hilo
