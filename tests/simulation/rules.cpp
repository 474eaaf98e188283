#include "rules.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace hilo::simulation {
namespace {

enum Property : size_t { low_owed, high_lost, all_cores_left, unfairness, admitted };

bool waits_to_tokenize(const Task& task) { return task.text_block.has_value(); }

uint32_t cost_of(const Task& task, Work work) {
  const size_t cost = work == Work::encode ? task.tokens : task.text.size();
  return std::max(static_cast<uint32_t>(cost), 1U);
}

[[noreturn]] void violated(std::string what) { throw Violation{std::move(what)}; }

}  // namespace

Rules::Rules(const Policy& policy, TaskTable& tasks, Machine& machine)
    : policy_(policy),
      tasks_(tasks),
      machine_(machine),
      rate_(policy.low_share / (1 - policy.low_share)),
      quantum_(static_cast<double>(policy.quantum[lane_index(Lane::low)])),
      cores_(machine.cores()) {}

// ---- A plan is given

void Rules::check_given(const ScriptedWorker& worker, const Plan& plan, Instant now) {
  digest(static_cast<uint64_t>(now.ns));
  digest(worker.core() * 4 + lane_index(worker.lane()) * 2 + static_cast<uint32_t>(plan.work));
  if (plan.empty()) return;  // To assist.
  check_tasks_of(plan, worker.lane(), now);
  const Line line = check_order(plan);
  check_admitted(plan.lane, line);
  check_fairness(plan, line);
}

void Rules::check_tasks_of(const Plan& plan, Lane lane, Instant now) const {
  for (const TaskId id : plan.tasks()) {
    const Task& task = tasks_[id];
    if (task.lane != lane || plan.lane != lane)
      violated("P1: a plan has tasks of another lane than its worker's");
    if (task.deadline <= now) violated("P5: a worker is given a task that has expired");
    if (task.dropped) violated("P5: a worker is given a task that was cancelled");
  }
}

// Who still waits for what the plan does, in its lane; and that none of them should have gone
// before a task of the plan that is of the same client.
Rules::Line Rules::check_order(const Plan& plan) {
  std::array<std::pair<Instant, uint64_t>, clients> last{};
  for (const TaskId id : plan.tasks()) {
    const Task& task = tasks_[id];
    const uint64_t name = plan.work == Work::tokenize ? task.name : 0;
    last[task.client] = std::max(last[task.client], {task.deadline, name});
    digest(task.client * 1'000'003ULL + task.name);
  }
  Line line;
  size_t left = tasks_.count();
  for (TaskId id = 0; left > 0; ++id) {
    const Task& task = tasks_[id];
    if (task.stage == Task::Stage::absent) continue;
    --left;
    if (task.lane != plan.lane) continue;
    line.work[task.client] += task.work;
    if (task.stage != Task::Stage::queued) continue;
    if (waits_to_tokenize(task) != (plan.work == Work::tokenize)) continue;
    ++line.waiting[task.client];
    const auto place = std::pair{task.deadline, plan.work == Work::tokenize ? task.name : 1};
    if (place < last[task.client]) violated("P1: a client's task overtakes another of its own");
  }
  return line;
}

void Rules::check_admitted(Lane lane, const Line& line) {
  const Nanoseconds limit = policy_.work_max[lane_index(lane)] * machine_.cores();
  const Nanoseconds all = std::accumulate(line.work.begin(), line.work.end(), Nanoseconds{0});
  const Nanoseconds bound = std::max(limit, *std::ranges::max_element(line.work)) + limit;
  ratios_.raise(admitted, static_cast<double>(all), static_cast<double>(bound));
  if (all > bound) violated("P7: a lane has taken in more work than its bound");
}

void Rules::Lead::add(int64_t cost) {
  now += cost;
  least = std::min(least, now);
  most = std::max(most, now);
}

// Between two clients that both have something waiting, the costs given to them never drift apart
// by more than one task of each.
void Rules::check_fairness(const Plan& plan, Line line) {
  Kind& kind = kinds_[lane_index(plan.lane) * 2 + static_cast<size_t>(plan.work)];
  for (const TaskId id : plan.tasks()) ++line.waiting[tasks_[id].client];
  const auto begin_again = [&](uint32_t client) {
    for (uint32_t other = 0; other < clients; ++other)
      kind.leads[client][other] = kind.leads[other][client] = {};
  };
  for (uint32_t client = 0; client < clients; ++client)
    if (line.waiting[client] == 0) begin_again(client);
  for (const TaskId id : plan.tasks()) {
    const Task& task = tasks_[id];
    const auto cost = static_cast<int64_t>(cost_of(task, plan.work));
    kind.largest[task.client] = std::max(kind.largest[task.client], cost);
    for (uint32_t other = 0; other < clients; ++other) {
      if (other == task.client || line.waiting[other] == 0) continue;
      Lead& lead = kind.leads[task.client][other];
      lead.add(cost);
      kind.leads[other][task.client].add(-cost);
      const int64_t bound = kind.largest[task.client] + std::max<int64_t>(kind.largest[other], 1);
      const int64_t drift = lead.most - lead.least;
      ratios_.raise(unfairness, static_cast<double>(drift), static_cast<double>(bound));
      if (drift > bound)
        violated(fmt::format("P6: a client had {} more than another that waited", drift));
    }
    if (--line.waiting[task.client] == 0) begin_again(task.client);
  }
}

// ---- Time passes

void Rules::account(const Computed& before, const Computed& after, Instant from, Instant to) {
  longest_high_ = after.longest_high;
  longest_low_ = after.longest_low;
  if (low_open_ > 0) {
    owed_ += rate_ * static_cast<double>(after.high - before.high) -
             static_cast<double>(after.low - before.low);
    owed_least_ = std::min(owed_least_, owed_);
  }
  just_finished_ = after.high_finished - before.high_finished;
  uint32_t left = 0;  // cores
  for (uint32_t core = 0; core < machine_.cores(); ++core)
    left += high_waits_ && machine_.worker(Lane::high, core).plans() == 0 ? 1 : 0;
  left_total_ += static_cast<double>(left) * static_cast<double>(to - from);
  all_left_ = left == machine_.cores() ? all_left_ + (to - from) : 0;
  const double bound = owed_most();
  ratios_.raise(all_cores_left, static_cast<double>(all_left_), bound);
  if (static_cast<double>(all_left_) > bound)
    violated("P3: all cores are left to LOW for too long at a time");
}

// What LOW can be owed before it has its turn: see docs/SCHEDULING.md.
double Rules::owed_most() const {
  return (2 + rate_ * (cores_ - 1)) * quantum_ +
         2 * rate_ * cores_ * static_cast<double>(longest_high_);
}

// ---- After a tick

void Rules::check_tick(const EngineCore& core, Instant now) {
  const auto open = [&](Lane lane) {
    const LaneMetrics& metrics = core.metrics().lane(lane);
    uint64_t completed = 0;
    for (const Counter& counter : metrics.completed) completed += counter.get();
    return metrics.admitted.get() + metrics.refused_at_once.get() - completed;
  };
  const uint64_t low_open = open(Lane::low);
  // An order that ends as LOW work comes is charged whole.
  if (low_open_ > 0 || low_open > 0) charged_ += rate_ * static_cast<double>(just_finished_);
  just_finished_ = 0;
  if (low_open == 0 || !low_could_use_its_share()) owed_ = owed_least_ = 0;
  low_open_ = low_open;
  high_waits_ = core.metrics().lane(Lane::high).waiting.get() > 0;
  if (core.next_deadline(now) <= now) violated("P5: a task's deadline passes unnoticed");
  check_work_conserved(core);
  check_shares(low_open);
}

// A share of several cores is worth more than one core to LOW only if it has work for all.
bool Rules::low_could_use_its_share() const {
  if (rate_ * (cores_ - 1) < 1) return true;
  for (uint32_t core = 0; core < machine_.cores(); ++core)
    if (machine_.worker(Lane::low, core).plans() == 0) return false;
  return true;
}

void Rules::check_work_conserved(const EngineCore& core) const {
  const bool low_waits = core.metrics().lane(Lane::low).waiting.get() > 0;
  for (uint32_t i = 0; i < machine_.cores(); ++i) {
    ScriptedWorker& high = machine_.worker(Lane::high, i);
    ScriptedWorker& low = machine_.worker(Lane::low, i);
    if (low_waits && low.has_room()) violated("P4: LOW work waits beside a LOW worker with room");
    if (high_waits_ && high.plans() == 0 && low.plans() == 0)
      violated("P4: HIGH work waits beside a core with nothing to do");
  }
}

void Rules::check_shares(uint64_t low_open) {
  if (low_open > 0 && policy_.low_share > 0) {
    const double bound = owed_most() + cores_ * static_cast<double>(longest_low_);
    ratios_.raise(low_owed, owed_ - owed_least_, bound);
    if (owed_ - owed_least_ > bound)
      violated(fmt::format("P2: LOW is owed {:.0f} ns at a share of {}, and the bound is {:.0f}",
                           owed_ - owed_least_, policy_.low_share, bound));
  }
  if (left_total_ == 0) return;
  ratios_.raise(high_lost, left_total_, charged_);
  if (left_total_ > charged_ + 1000) violated("P3: HIGH loses more than LOW's share");
}

}  // namespace hilo::simulation
