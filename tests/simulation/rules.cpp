#include "rules.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace hilo::simulation {
namespace {

bool waits_to_tokenize(const Task& task) { return task.text_block.has_value(); }

uint32_t cost_of(const Task& task, Work work) {
  const size_t cost = work == Work::encode ? task.tokens : task.text.size();
  return std::max(static_cast<uint32_t>(cost), 1U);
}

}  // namespace

Rules::Rules(const Policy& policy, TaskTable& tasks, Machine& machine,
             const std::optional<PlanLimits>& device)
    : policy_(policy),
      device_(device),
      tasks_(tasks),
      machine_(machine),
      rate_(policy.low_share / (1 - policy.low_share)),
      quantum_(static_cast<double>(policy.quantum[lane_index(Lane::low)])),
      cores_(machine.cores()),
      given_(tasks.room()) {}

void Rules::check_given(const ScriptedWorker& worker, const Plan& plan, Instant now) {
  digest(static_cast<uint64_t>(now.ns));
  digest(worker.core() * 4 + lane_index(worker.lane()) * 2 + static_cast<uint32_t>(plan.work));
  if (plan.empty()) return;  // To assist.
  check_tasks_of(plan, worker.lane(), now);
  check_size(plan);
  if (was_given(plan)) return;  // Another worker has it now, since the first had not begun.
  for (const TaskId id : plan.tasks())
    given_[id] = {.client = tasks_[id].client, .name = tasks_[id].name, .work = plan.work};
  const Line line = check_order(plan);
  if (device_)
    check_plan_of_device(worker, plan);
  else
    check_kinds_take_turns(plan, line);
  check_admitted(plan.lane, line);
  check_fairness(plan, line);
}

bool Rules::was_given(const Plan& plan) const {
  const TaskId id = plan.ids[0];
  return given_[id] ==
         Given{.client = tasks_[id].client, .name = tasks_[id].name, .work = plan.work};
}

void Rules::check_size(const Plan& plan) const {
  uint64_t cost = 0;
  for (const TaskId id : plan.tasks())
    cost += plan.work == Work::encode ? tasks_[id].tokens : tasks_[id].text.size();
  const PlanLimits limits =
      device_ && plan.work == Work::encode ? *device_ : plan_limits(plan.work, plan.lane);
  if (plan.count > limits.tasks_max || (plan.count > 1 && cost > limits.cost_max))
    violated("P1: a plan is larger than its limits");
}

// The device's workers encode and the others do not; one that is ahead of the device is full.
void Rules::check_plan_of_device(const ScriptedWorker& worker, const Plan& plan) const {
  if ((plan.work == Work::encode) != (worker.core() >= machine_.cores()))
    violated("P8: a worker is given the work of others");
  if (plan.work == Work::tokenize) return;
  uint64_t tokens = 0;
  for (const TaskId id : plan.tasks()) tokens += tasks_[id].tokens;
  size_t left = tasks_.count();
  for (TaskId id = 0; left > 0; ++id) {
    const Task& task = tasks_[id];
    if (task.stage == Task::Stage::absent) continue;
    --left;
    if (task.lane == plan.lane && task.stage == Task::Stage::queued && !waits_to_tokenize(task))
      tokens += task.tokens;
  }
  for (uint32_t pair = machine_.cores(); pair < machine_.pairs(); ++pair) {
    const ScriptedWorker& other = machine_.worker(plan.lane, pair);
    if (&other != &worker && other.plans() > 0 && tokens < device_->cost_max)
      violated("P8: a batch is made before the one before it has ended, and is not full");
  }
}

// Where both kinds of work wait, neither has two plans in a row.
void Rules::check_kinds_take_turns(const Plan& plan, const Line& line) {
  Work& last = last_work_[lane_index(plan.lane)];
  if (plan.work == last && line.waiting_for_other_work > 0)
    violated("P2: a kind of work goes twice while the other waits");
  last = plan.work;
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
    line.largest = std::max(line.largest, task.work);
    if (task.stage != Task::Stage::queued) continue;
    if (waits_to_tokenize(task) != (plan.work == Work::tokenize)) {
      ++line.waiting_for_other_work;
      continue;
    }
    ++line.waiting[task.client];
    const auto place = std::pair{task.deadline, plan.work == Work::tokenize ? task.name : 1};
    if (place < last[task.client]) violated("P1: a client's task overtakes another of its own");
  }
  return line;
}

void Rules::check_admitted(Lane lane, const Line& line) {
  const Nanoseconds limit = policy_.work_max[lane_index(lane)] * (device_ ? 1 : machine_.cores());
  const Nanoseconds all = std::accumulate(line.work.begin(), line.work.end(), Nanoseconds{0});
  const Nanoseconds bound = std::max(limit, *std::ranges::max_element(line.work)) +
                            std::max(limit, clients_max * line.largest);
  ratios_.raise(Ratios::admitted, static_cast<double>(all), static_cast<double>(bound));
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
      ratios_.raise(Ratios::unfairness, static_cast<double>(drift), static_cast<double>(bound));
      if (drift > bound)
        violated(fmt::format("P6: a client had {} more than another that waited", drift));
    }
    if (--line.waiting[task.client] == 0) begin_again(task.client);
  }
}

}  // namespace hilo::simulation
