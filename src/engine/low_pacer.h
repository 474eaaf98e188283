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
// A function of clock readings and counters alone. Whoever has it looks every interval(), and stops
// LOW while the answer is no.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "engine/cpu_quota.h"

namespace hilo {

// Counters that only grow.
struct CpuSpent {
  Nanoseconds all = 0;  // by the control group, or by this process if that is not known
  Nanoseconds low = 0;  // by LOW workers
  uint64_t times_throttled = 0;
};

class LowPacer {
 public:
  // `low_cores`: so many LOW workers compute at once.
  LowPacer(const CpuQuota& quota, uint32_t low_cores, Instant now, const CpuSpent& spent)
      : quota_(quota), low_cores_(low_cores), looked_at_(now), part_began_(now), spent_(spent) {}

  // What was learned of the others stays.
  void change_quota(const CpuQuota& quota) { quota_ = quota; }

  // May LOW compute until the next look?
  bool look(Instant now, const CpuSpent& spent);
  // How long until that: so short that LOW cannot run far ahead.
  Nanoseconds interval() const;

 private:
  static constexpr Nanoseconds parts = 8;

  void count_others(Instant now, Nanoseconds elapsed, double spent);
  double low_each_period() const;

  CpuQuota quota_;
  uint32_t low_cores_;
  Instant looked_at_;
  Instant part_began_;
  CpuSpent spent_;
  // What others spent in the latest period, in parts; and the most in any, slowly forgotten.
  std::array<double, parts> others_{};
  size_t part_ = 0;
  double others_most_ = 0;
  // Kept free besides, once the kernel has stopped us all the same.
  double extra_margin_ = 0;
  // CPU time that LOW may spend now.
  double credit_ = 0;
};

}  // namespace hilo
