// What must hold as time passes, and after each tick.
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "rules.h"

namespace hilo::simulation {

// ---- Time passes

void Rules::account(const Computed& before, const Computed& after, Instant from, Instant to) {
  if (device_) return;
  longest_high_ = after.longest_high;
  longest_low_ = after.longest_low;
  low_computed_ += static_cast<double>(after.low - before.low);
  if (low_open_ > 0) {
    owed_ += rate_ * static_cast<double>(after.high - before.high) -
             static_cast<double>(after.low - before.low);
    owed_least_ = std::min(owed_least_, owed_);
    check_oldest(to);
  }
  just_finished_ = after.high_finished - before.high_finished;
  uint32_t left = 0;  // cores
  for (uint32_t core = 0; core < machine_.cores(); ++core)
    left += high_waits_ && machine_.worker(Lane::high, core).plans() == 0 ? 1 : 0;
  left_total_ += static_cast<double>(left) * static_cast<double>(to - from);
  all_left_ = left == machine_.cores() ? all_left_ + (to - from) : 0;
  const double bound = (owed_most() + cores_ * static_cast<double>(longest_low_)) / cores_;
  ratios_.raise(Ratios::all_cores_left, static_cast<double>(all_left_), bound);
  if (static_cast<double>(all_left_) > bound)
    violated("P3: all cores are left to LOW for too long at a time");
}

// What LOW can be owed before so many cores are left to it that no more is: see docs/SCHEDULING.md.
double Rules::owed_most() const {
  return std::max(std::ceil(policy_.low_share * cores_), 1.0) * quantum_ +
         2 * rate_ * cores_ * static_cast<double>(longest_high_);
}

double Rules::owed_bound() const {
  return quantum_ + owed_most() + cores_ * static_cast<double>(longest_low_);
}

// While HIGH waits all cores compute. So a long wait is long because LOW computed much before the
// task, or else LOW is owed more than its bound.
void Rules::check_oldest(Instant now) {
  if (!high_waits_ || policy_.low_share == 0) return;
  const double waited = static_cast<double>(now - oldest_.since);
  const double bound = (low_computed_ - oldest_.low + (1 - policy_.low_share) * owed_bound()) /
                       (policy_.low_share * cores_);
  ratios_.raise(Ratios::oldest_low, waited, bound);
  if (waited > bound + 1) violated("P2: LOW's oldest task waits for too long");
}

// ---- After a tick

void Rules::check_tick(const EngineCore& core, Instant now) {
  const auto open = [&](Lane lane) {
    const LaneMetrics& metrics = core.metrics().lane(lane);
    uint64_t completed = 0;
    for (const Counter& counter : metrics.completed) completed += counter.get();
    return metrics.admitted.get() + metrics.refused_at_once.get() - completed;
  };
  if (core.next_deadline(now) <= now) violated("P5: a task's deadline passes unnoticed");
  if (device_) {
    see_tasks(now);
    return check_device_has_work();
  }
  const uint64_t low_open = open(Lane::low);
  // An order that ends as LOW work comes is charged whole.
  if (low_open_ > 0 || low_open > 0) charged_ += rate_ * static_cast<double>(just_finished_);
  just_finished_ = 0;
  const bool counts = low_open > 0 && low_could_use_its_share();
  if (!counts) owed_ = owed_least_ = 0;
  low_open_ = low_open;
  high_waits_ = core.metrics().lane(Lane::high).waiting.get() > 0;
  see_tasks(now);
  if (!counts || !high_waits_) oldest_ = {oldest_.task, now, low_computed_};
  check_work_conserved(core);
  check_shares(low_open);
}

// No lane's texts wait while none of the device's workers of that lane has a batch.
void Rules::check_device_has_work() const {
  std::array<bool, lane_count> waits{};
  size_t left = tasks_.count();
  for (TaskId id = 0; left > 0; ++id) {
    const Task& task = tasks_[id];
    if (task.stage == Task::Stage::absent) continue;
    --left;
    waits[lane_index(task.lane)] |= task.stage == Task::Stage::queued && !task.text_block;
  }
  for (const Lane lane : {Lane::high, Lane::low}) {
    bool has_batch = false;
    for (uint32_t pair = machine_.cores(); pair < machine_.pairs(); ++pair)
      has_batch |= machine_.worker(lane, pair).plans() > 0;
    if (waits[lane_index(lane)] && !has_batch)
      violated("P4: texts wait for a device that is not at any of their lane");
  }
}

// Which tasks there are, and which of LOW's is the oldest.
void Rules::see_tasks(Instant now) {
  present_before_ = std::exchange(present_, {});
  std::pair<uint32_t, uint64_t> oldest;
  Instant admitted = never;
  size_t left = tasks_.count();
  for (TaskId id = 0; left > 0; ++id) {
    const Task& task = tasks_[id];
    if (task.stage == Task::Stage::absent) continue;
    --left;
    ++present_[lane_index(task.lane)][task.client];
    if (task.lane == Lane::high || task.admitted >= admitted) continue;
    admitted = task.admitted;
    oldest = {task.client, task.name};
  }
  if (oldest != oldest_.task) oldest_ = {oldest, now, low_computed_};
}

void Rules::check_cancelled(uint32_t client, uint64_t name) const {
  size_t left = tasks_.count();
  for (TaskId id = 0; left > 0; ++id) {
    const Task& task = tasks_[id];
    if (task.stage == Task::Stage::absent) continue;
    --left;
    if (task.client != client || task.name != name) continue;
    if (!task.dropped || !static_cast<const ScriptedWorker&>(*task.worker).is_at(id))
      violated("P5: a task that was cancelled goes on waiting");
  }
}

void Rules::check_refused(uint32_t client, Lane lane) const {
  bool alone = true;
  bool has_none = true;
  for (const Present& present : {present_before_, present_})
    for (uint32_t other = 0; other < clients; ++other)
      (other == client ? has_none : alone) &= present[lane_index(lane)][other] == 0;
  if (alone) violated("P7: a client alone in a lane is refused");
  if (has_none) violated("P7: a client with nothing in a lane is refused");
}

// A share of several cores is worth more than one core to LOW only if it has work for all.
bool Rules::low_could_use_its_share() const {
  if (policy_.low_share * cores_ <= 1) return true;
  for (uint32_t core = 0; core < machine_.cores(); ++core)
    if (!machine_.worker(Lane::low, core).has_tasks()) return false;
  return true;
}

void Rules::check_work_conserved(const EngineCore& core) const {
  const bool low_waits = core.metrics().lane(Lane::low).waiting.get() > 0;
  bool high_is_before_low = false;
  bool has_nothing_to_do = false;
  for (uint32_t i = 0; i < machine_.cores(); ++i) {
    ScriptedWorker& high = machine_.worker(Lane::high, i);
    ScriptedWorker& low = machine_.worker(Lane::low, i);
    if (low_waits && low.has_room()) violated("P4: LOW work waits beside a LOW worker with room");
    if (high_waits_ && high.plans() == 0 && low.plans() == 0)
      violated("P4: HIGH work waits beside a core with nothing to do");
    high_is_before_low |= high.plans() > 0 && low.has_tasks_not_begun();
    has_nothing_to_do |= high.plans() == 0 && low.plans() == 0;
  }
  if (high_is_before_low && has_nothing_to_do)
    violated("P4: a LOW plan waits for HIGH while another core has nothing to do");
}

void Rules::check_shares(uint64_t low_open) {
  if (low_open > 0 && policy_.low_share > 0) {
    const double bound = owed_bound();
    ratios_.raise(Ratios::low_owed, owed_ - owed_least_, bound);
    if (owed_ - owed_least_ > bound)
      violated(fmt::format("P2: LOW is owed {:.0f} ns at a share of {}, and the bound is {:.0f}",
                           owed_ - owed_least_, policy_.low_share, bound));
  }
  if (left_total_ == 0) return;
  ratios_.raise(Ratios::high_lost, left_total_, charged_);
  if (left_total_ > charged_ + 1000) violated("P3: HIGH loses more than LOW's share");
}

}  // namespace hilo::simulation
