// What a free worker does next. Functions of queues and numbers alone, so that tests and
// simulations decide exactly as the engine does.
//
// The rules: a plan is of one lane and one kind of work. Where both kinds wait they take
// turns, so that neither a client with texts without end nor one with long batches stops the
// others. A plan is small in cost and in predicted time, so that whatever it is, it is soon over; a
// single task that is larger than the limits gets a plan of its own. Workers that are free at the
// same time share what waits, down to the size where smaller plans would run slower. HIGH tasks
// that wait together share a plan where that is faster for the last of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.h"
#include "protocol/lane.h"
#include "scheduler/cost_model.h"
#include "scheduler/fair_queue.h"
#include "scheduler/policy.h"

namespace hilo {

inline constexpr uint32_t plan_tasks_max = 256;  // of the largest kind of plan

struct Plan {
  Work work = Work::tokenize;
  Lane lane = Lane::high;
  uint32_t count = 0;
  PlanSize size;
  std::array<TaskId, plan_tasks_max> ids;

  bool empty() const { return count == 0; }
  std::span<const TaskId> tasks() const { return std::span{ids}.first(count); }
};

// When a worker was at a plan, and how long of that it computed: it may have to stand aside.
struct WorkTimes {
  Instant begun{};
  Instant ended{};
  Nanoseconds computed = 0;
};

struct PlanLimits {
  uint32_t cost_max;    // A plan of several tasks costs no more.
  uint32_t cost_share;  // Below this, sharing work among workers does not pay.
  uint32_t tasks_max = 64;
};

// Costs are bytes for tokenizing, tokens for encoding. The CPU kernels reach full speed from 32
// tokens a batch and keep a batch of 128 in the L2 cache. A device says itself what it wants.
constexpr PlanLimits plan_limits(Work work, Lane lane) {
  if (work == Work::tokenize)
    return lane == Lane::high ? PlanLimits{16 * 1024, 2 * 1024} : PlanLimits{64 * 1024, 8 * 1024};
  return lane == Lane::high ? PlanLimits{64, 32} : PlanLimits{128, 32};
}

// The most tokens a plan to encode can have, where one task has up to `tokens_per_task`.
constexpr uint32_t plan_tokens_max(uint32_t tokens_per_task) {
  const uint32_t several = plan_limits(Work::encode, Lane::low).cost_max;
  static_assert(plan_limits(Work::encode, Lane::low).cost_max >=
                plan_limits(Work::encode, Lane::high).cost_max);
  return tokens_per_task > several ? tokens_per_task : several;
}

// What waits in one lane.
struct LaneQueues {
  explicit LaneQueues(uint32_t tasks = tasks_max) : to_tokenize(tasks), to_encode(tasks) {}

  bool empty() const { return to_tokenize.empty() && to_encode.empty(); }
  size_t bytes() const { return to_tokenize.bytes() + to_encode.bytes(); }

  FairQueue to_tokenize;
  FairQueue to_encode;
  bool encode_next = false;  // whose turn it is where both wait
};

// What plans are made by.
struct PlanRules {
  const Policy& policy;
  const CostModel& costs;
  std::optional<PlanLimits> to_encode_on_device{};  // where cores do not encode

  PlanLimits limits(Work work, Lane lane) const {
    return work == Work::encode && to_encode_on_device ? *to_encode_on_device
                                                       : plan_limits(work, lane);
  }
};

// Takes the next plan for one worker out of a lane's queues, when `workers_free` could take one.
// Empty if nothing waits.
Plan take_plan(Lane lane, LaneQueues& queues, uint32_t workers_free, const PlanRules& rules);
// The same for a worker that does only this kind of work.
Plan take_plan_of(Work work, Lane lane, LaneQueues& queues, uint32_t workers_free,
                  const PlanRules& rules);

}  // namespace hilo
