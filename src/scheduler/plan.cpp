#include "scheduler/plan.h"

#include <algorithm>

#include "base/ensure.h"

namespace hilo {
namespace {

uint64_t cost_budget(const PlanLimits& limits, uint64_t cost_waiting, uint32_t workers_free) {
  const uint64_t share = (cost_waiting + workers_free - 1) / workers_free;
  return std::clamp<uint64_t>(share, limits.cost_share, limits.cost_max);
}

// Whether a plan, with at least one task in it, gains by another.
bool gains_by(const Plan& plan, uint32_t cost, uint64_t budget, const PlanRules& rules) {
  const PlanSize together = plan.size.with(cost);
  if (together.total > budget) return false;
  const auto predicted = [&](PlanSize size) {
    return rules.costs.predict(plan.lane, plan.work, size);
  };
  const Nanoseconds time = predicted(together);
  if (plan.lane == Lane::high && time >= predicted(plan.size) + predicted(PlanSize{}.with(cost)))
    return false;  // One after the other, the last is done as soon, and the first sooner.
  return time <= rules.policy.quantum[lane_index(plan.lane)] ||
         together.total <= rules.limits(plan.work, plan.lane).cost_share;
}

}  // namespace

Plan take_plan(Lane lane, LaneQueues& queues, uint32_t workers_free, const PlanRules& rules) {
  if (queues.empty()) {  // No kind of work has had its turn.
    Plan none;
    none.lane = lane;
    return none;
  }
  const bool encode =
      queues.to_tokenize.empty() || (queues.encode_next && !queues.to_encode.empty());
  queues.encode_next = !encode;
  return take_plan_of(encode ? Work::encode : Work::tokenize, lane, queues, workers_free, rules);
}

Plan take_plan_of(Work work, Lane lane, LaneQueues& queues, uint32_t workers_free,
                  const PlanRules& rules) {
  ENSURE(workers_free > 0);
  Plan plan;
  plan.lane = lane;
  plan.work = work;
  FairQueue& queue = plan.work == Work::tokenize ? queues.to_tokenize : queues.to_encode;
  const PlanLimits limits = rules.limits(work, lane);
  ENSURE(limits.tasks_max <= plan_tasks_max);
  const uint64_t budget = cost_budget(limits, queue.cost(), workers_free);
  while (!queue.empty() && plan.count < limits.tasks_max) {
    const uint32_t cost = queue.front().cost;
    if (plan.count > 0 && !gains_by(plan, cost, budget, rules)) break;
    plan.size = plan.size.with(cost);
    plan.ids[plan.count++] = queue.pop();
  }
  return plan;
}

}  // namespace hilo
