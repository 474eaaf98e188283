// How much CPU time the kernel lets us have, and how much was spent of it: the quotas of our
// control group and of the groups around it (cpu.max of cgroup v2, cpu.cfs_quota_us of v1). When a
// group has spent its quota, the kernel stops all its threads until the next period begins.
// Threads: one at a time. Everything here may allocate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace hilo {

// So much CPU time in every period; of several cores together.
struct CpuQuota {
  Nanoseconds time = 0;
  Nanoseconds period = 0;

  double cores() const { return static_cast<double>(time) / static_cast<double>(period); }
  friend bool operator==(const CpuQuota&, const CpuQuota&) = default;
};

// A quota, and the control group that it is of.
struct GroupQuota {
  CpuQuota quota;
  std::string folder;
};

// The tightest quota of this process, which may change at any time; nothing where it has none or
// the kernel does not tell. An error says that a file is there and cannot be read now: nothing is
// known of the quota then. `root` is where /proc and the mounted control groups are found.
Result<std::optional<GroupQuota>> tightest_quota(const std::string& root = {});

struct GroupSpending {
  std::optional<Nanoseconds> time;  // none: this kernel counts it elsewhere
  uint64_t times_throttled = 0;     // periods in which the group was stopped
};

// What all processes of the group have spent since it was made; nothing if that cannot be read now.
std::optional<GroupSpending> spending_of(const std::string& folder);

}  // namespace hilo
