// A thread that keeps LOW within the CPU time that the kernel allows us (low_pacer.h). Where there
// is a quota it looks some hundred times a second while LOW has work, and keeps the gates open for
// a moment if LOW may go on; else it only looks once a second whether there is one now.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backend/yield_gate.h"
#include "engine/bell.h"
#include "engine/cpu_quota.h"
#include "engine/low_pacer.h"

namespace hilo {

struct QuotaKeeperOptions {
  std::vector<YieldGate*> gates;           // of all LOW workers
  std::function<Nanoseconds()> low_spent;  // CPU time of all LOW workers so far
  std::function<bool()> low_has_work;      // true before a LOW worker begins a plan
  Nanoseconds reading_interval = second_ns;
  std::string root{};  // where the kernel's files are: elsewhere in tests
};

class QuotaKeeper {
 public:
  // LOW workers ring `low_begins` when they begin a plan.
  QuotaKeeper(QuotaKeeperOptions options, Bell& low_begins);
  ~QuotaKeeper();  // Leaves the gates open.
  QuotaKeeper(const QuotaKeeper&) = delete;
  QuotaKeeper& operator=(const QuotaKeeper&) = delete;

 private:
  void loop();
  void read_quota(Instant now);
  CpuSpent spent() const;
  void let_low_pass_until(Instant until);
  void wait_for(Nanoseconds longest);
  void wait_for_low(Nanoseconds longest);

  const QuotaKeeperOptions options_;
  Bell& low_begins_;
  std::optional<GroupQuota> quota_;
  std::optional<LowPacer> pacer_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace hilo
