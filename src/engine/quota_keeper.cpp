#include "engine/quota_keeper.h"

#include <ctime>
#include <poll.h>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/cores.h"

namespace hilo {

QuotaKeeper::QuotaKeeper(QuotaKeeperOptions options, Bell& low_begins)
    : options_(std::move(options)), low_begins_(low_begins) {
  thread_ = start_thread("hilo-quota", [this] { loop(); });
}

QuotaKeeper::~QuotaKeeper() {
  stopping_.store(true, std::memory_order_seq_cst);
  ::eventfd_write(low_begins_.descriptor(), 1);
  thread_.join();
  let_low_pass_until(YieldGate::unlimited);
}

void QuotaKeeper::loop() {
  Instant read_at{};
  while (!stopping_.load(std::memory_order_seq_cst)) {
    const Instant now = monotonic_now();
    if (read_at == Instant{} || now - read_at >= options_.reading_interval) {
      read_quota(now);
      read_at = now;
    }
    if (!pacer_) {
      wait_for(options_.reading_interval);
      continue;
    }
    const Nanoseconds time = pacer_->look(now, spent());
    let_low_pass_until(time > 0 ? now + time : YieldGate::shut);
    if (options_.low_has_work())
      wait_for(pacer_->interval());
    else
      wait_for_low(std::min(quota_->quota.period, options_.reading_interval));
  }
}

// The quota may change at any time, and so may the group that we are in.
void QuotaKeeper::read_quota(Instant now) {
  auto tightest = tightest_quota(options_.root);
  if (!tightest) return;  // What was known stays.
  const std::optional<GroupQuota> before = std::exchange(quota_, std::move(*tightest));
  if (!quota_) {
    if (before) log_info("no quota of CPU time any more");
    pacer_.reset();
    return let_low_pass_until(YieldGate::unlimited);
  }
  const bool same_group = before && before->folder == quota_->folder;
  if (same_group && before->quota == quota_->quota) return;
  log_info(fmt::format("a control group allows {:.2f} cores in periods of {} ms: LOW is paced",
                       quota_->quota.cores(), quota_->quota.period / millisecond_ns));
  if (pacer_ && same_group)
    pacer_->change_quota(quota_->quota);
  else
    pacer_.emplace(quota_->quota, static_cast<uint32_t>(options_.gates.size()), now, spent());
}

CpuSpent QuotaKeeper::spent() const {
  CpuSpent spent{.low = options_.low_spent()};
  const auto group = spending_of(quota_->folder);
  if (!group) return spent;
  timespec ours{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ours);
  spent.group = {.time = group->time.value_or(ours.tv_sec * second_ns + ours.tv_nsec),
                 .times_throttled = group->times_throttled};
  return spent;
}

void QuotaKeeper::let_low_pass_until(Instant until) {
  for (YieldGate* const gate : options_.gates) gate->keep_open_until(until);
}

void QuotaKeeper::wait_for(Nanoseconds longest) {
  const timespec time{.tv_sec = longest / second_ns, .tv_nsec = longest % second_ns};
  pollfd bell{.fd = low_begins_.descriptor(), .events = POLLIN, .revents = 0};
  if (::ppoll(&bell, 1, &time, nullptr) <= 0) return;
  eventfd_t rings = 0;
  ::eventfd_read(low_begins_.descriptor(), &rings);
}

// An idle LOW is not worth waking up for, but others may be learned from.
void QuotaKeeper::wait_for_low(Nanoseconds longest) {
  low_begins_.prepare_to_sleep();
  if (!options_.low_has_work()) wait_for(longest);
  low_begins_.awake();
}

}  // namespace hilo
