#include "scheduler/plan.h"

#include <algorithm>

#include "base/ensure.h"

namespace hilo {
namespace {

uint64_t cost_budget(const PlanLimits& limits, uint64_t cost_waiting, uint32_t workers_free) {
  const uint64_t share = (cost_waiting + workers_free - 1) / workers_free;
  return std::clamp<uint64_t>(share, limits.cost_share, limits.cost_max);
}

}  // namespace

Plan take_plan(Lane lane, LaneQueues& queues, uint32_t workers_free) {
  ENSURE(workers_free > 0);
  Plan plan;
  plan.lane = lane;
  const bool encode =
      queues.to_tokenize.empty() || (queues.encode_next && !queues.to_encode.empty());
  queues.encode_next = !encode;
  plan.work = encode ? Work::encode : Work::tokenize;
  FairQueue& queue = plan.work == Work::tokenize ? queues.to_tokenize : queues.to_encode;
  const uint64_t budget = cost_budget(plan_limits(plan.work, lane), queue.cost(), workers_free);
  uint64_t cost = 0;
  while (!queue.empty() && plan.count < plan_tasks_max) {
    cost += queue.front().cost;
    if (plan.count > 0 && cost > budget) break;
    plan.ids[plan.count++] = queue.pop();
  }
  return plan;
}

}  // namespace hilo
