// Tasks go to workers, come back, and are completed.
#include <algorithm>
#include <array>
#include <utility>

#include "base/ensure.h"
#include "engine/engine_core.h"

namespace hilo {

// ---- To the workers

// True if a worker has finished already.
bool EngineCore::hand_out_work() {
  bool finished_already = false;
  if (options_.device) {
    hand_out_to_device(Lane::high);
    hand_out_to_device(Lane::low);
  }
  if (!low_wants_cores()) low_turns_.nothing_waits();
  if (low_turns_.due()) {
    finished_already |= hand_out(Lane::low);
    leave_cores_to_low();
  }
  finished_already |= hand_out(Lane::high);
  finished_already |= hand_out(Lane::low);
  for (uint32_t core = 0; core < cores() && open_[lane_index(Lane::low)] > 0; ++core)
    if (worker(Lane::high, core).plans() == 0) find_low_work(core);
  if (options_.assist) ask_to_assist();
  return finished_already;
}

bool EngineCore::hand_out(Lane lane) {
  bool finished_already = false;
  uint32_t equally_busy = 0;
  while (Worker* const worker = least_busy(lane, equally_busy)) {
    LaneQueues& queues = queues_[lane_index(lane)];
    const Plan plan = options_.device
                          ? take_plan_of(Work::tokenize, lane, queues, equally_busy, plan_rules_)
                          : take_plan(lane, queues, equally_busy, plan_rules_);
    if (plan.empty()) break;
    metrics_.handed_out(lane, plan.count);
    give(*worker, plan);
    finished_already |= worker->finished() != nullptr;
  }
  return finished_already;
}

// A device computes one plan of a lane after another. While it is at one, the next is at hand if it
// would be full; else it is made when that one ends, of all that waits by then.
void EngineCore::hand_out_to_device(Lane lane) {
  LaneQueues& queues = queues_[lane_index(lane)];
  bool busy = false;
  for (uint32_t pair = cores(); pair < pairs(); ++pair)
    busy = busy || worker(lane, pair).plans() > 0;
  for (uint32_t pair = cores(); pair < pairs(); ++pair) {
    if (worker(lane, pair).plans() > 0) continue;
    if (busy && queues.to_encode.cost() < options_.device->plans.cost_max) return;
    const Plan plan = take_plan_of(Work::encode, lane, queues, 1, plan_rules_);
    if (plan.empty()) return;
    metrics_.handed_out(lane, plan.count);
    give(worker(lane, pair), plan);
    busy = true;
  }
}

// Whether there is LOW work that cores do.
bool EngineCore::low_wants_cores() const {
  if (!options_.device) return open_[lane_index(Lane::low)] > 0;
  bool wants = !queues_[lane_index(Lane::low)].to_tokenize.empty();
  for (uint32_t core = 0; core < cores(); ++core)
    wants = wants || worker(Lane::low, core).plans() > 0;
  return wants;
}

void EngineCore::give(Worker& worker, const Plan& plan) {
  Instant deadline = never;
  for (const TaskId id : plan.tasks()) {
    tasks_[id].stage = Task::Stage::working;
    tasks_[id].worker = &worker;
    deadline = std::min(deadline, tasks_[id].deadline);
  }
  worker.give(plan, deadline);
}

// LOW's share is due. HIGH workers that are free now stay so where LOW has something to do, until
// it has nothing there or all is paid.
void EngineCore::leave_cores_to_low() {
  const bool high_waits = !queues_[lane_index(Lane::high)].empty();
  for (uint32_t core = 0; core < cores(); ++core) {
    if (low_turns_.is_on(core)) {
      if (!find_low_work(core)) low_turns_.end(core);
    } else if (high_waits && may_work(Lane::high, core) &&
               low_turns_.may_begin(worker(Lane::low, core).has_begun()) && find_low_work(core)) {
      low_turns_.begin(core);
    }
  }
}

// Whether LOW may run on that core, where HIGH is not, and has a plan there. If it has none it
// takes one that has not begun from a core where HIGH is.
bool EngineCore::find_low_work(uint32_t core) {
  Worker& here = worker(Lane::low, core);
  if (!here.may_run()) return false;
  for (uint32_t other = 0; other < cores() && here.plans() == 0; ++other) {
    if (worker(Lane::high, other).plans() == 0) continue;
    const Plan plan = worker(Lane::low, other).give_up_plan();
    if (!plan.empty()) give(here, plan);
  }
  return here.plans() > 0;
}

// Whether a worker has room for a plan, and its core is not the other lane's.
bool EngineCore::may_work(Lane lane, uint32_t core) const {
  return worker(lane, core).has_room() && !(lane == Lane::high && low_turns_.is_on(core));
}

// Null if every worker of the lane has all that its mailbox holds. LOW works first where it has its
// turn.
Worker* EngineCore::least_busy(Lane lane, uint32_t& equally_busy) {
  const auto place = [&](const Worker& one) {
    return std::pair{!low_turns_.is_on(one.core()), one.plans()};
  };
  Worker* chosen = nullptr;
  equally_busy = 0;
  for (uint32_t core = 0; core < cores(); ++core) {
    if (!may_work(lane, core)) continue;
    Worker& candidate = worker(lane, core);
    if (chosen == nullptr || place(candidate) < place(*chosen)) {
      chosen = &candidate;
      equally_busy = 0;
    }
    if (place(candidate) == place(*chosen)) ++equally_busy;
  }
  return chosen;
}

// HIGH workers without a plan help one that encodes, so that a lone text has all cores.
void EngineCore::ask_to_assist() {
  Worker* leader = nullptr;
  for (uint32_t core = 0; core < cores(); ++core)
    if (worker(Lane::high, core).leads()) leader = &worker(Lane::high, core);
  if (leader == nullptr) return;
  for (uint32_t core = 0; core < cores(); ++core)
    if (may_work(Lane::high, core) && worker(Lane::high, core).plans() == 0)
      worker(Lane::high, core).ask_to_assist(*leader);
}

// ---- And back

void EngineCore::collect_finished(Instant now) {
  low_turns_.advance(now);
  for (Worker* const worker : workers_) {
    while (const Worker::Order* const order = worker->finished()) {
      if (worker->lane() == Lane::high) expects_more_ = true;
      account_for(*worker, *order);
      take_back(order->plan, order->times, now);
      worker->collect();
    }
  }
}

// What the work has cost is charged to its lane and remembered for the next prediction, unless
// several workers shared it: a prediction is of one worker's time.
void EngineCore::account_for(const Worker& worker, const Worker::Order& order) {
  const Plan& plan = order.plan;
  const Nanoseconds took = order.times.computed;
  const bool on_a_core = worker.core() < cores();  // A device keeps an account of its own.
  if (on_a_core && worker.lane() == Lane::low)
    low_turns_.low_finished(worker.core(), took);
  else if (on_a_core)
    low_turns_.high_computed(took);  // Forgotten if there is no LOW work.
  PlanSize size;
  for (const TaskId id : plan.tasks())
    size = size.with(plan.work == Work::encode ? tasks_[id].tokens
                                               : static_cast<uint32_t>(tasks_[id].text.size()));
  if (!plan.empty() && !order.shared) costs_.learn(plan.lane, plan.work, size, took);
}

void EngineCore::take_back(const Plan& plan, const WorkTimes& times, Instant now) {
  uint32_t tokens = 0;
  for (const TaskId id : plan.tasks()) {
    Task& task = tasks_[id];
    (plan.work == Work::tokenize ? task.tokenized : task.computed) = times;
    tokens += task.tokens;
    release_text(task);
    if (plan.work == Work::encode || task.status != CompletionStatus::ok)
      complete(id, task.status, now);
    else if (task.dropped)
      complete(id, CompletionStatus::cancelled, now);
    else
      queue_to_encode(id);
  }
  if (plan.work == Work::encode && plan.count > 0)
    metrics_.computed(plan, tokens, options_.device ? times.computed : 0);
}

void EngineCore::queue_to_encode(TaskId id) {
  Task& task = tasks_[id];
  task.stage = Task::Stage::queued;
  metrics_.waits_again(task.lane);
  queues_[lane_index(task.lane)].to_encode.push(
      {.id = id, .client = task.client, .cost = task.tokens, .deadline = task.deadline});
}

// ---- Or not at all

// Tasks whose work has not begun by their deadline, wherever they wait for it.
void EngineCore::drop_expired(Instant now) {
  std::array<TaskId, Worker::withdrawn_max> expired;
  const auto complete_all = [&](size_t count) {
    for (const TaskId id : std::span{expired}.first(count))
      complete(id, CompletionStatus::expired, now);
  };
  for (LaneQueues& lane : queues_)
    for (FairQueue* const queue : {&lane.to_tokenize, &lane.to_encode})
      while (const size_t count = queue->remove_expired(now, expired)) complete_all(count);
  for (Worker* const worker : workers_) {
    if (worker->next_deadline() > now) continue;
    const auto stays = [&](TaskId id) -> std::optional<Instant> {
      if (tasks_[id].deadline <= now) return std::nullopt;
      return tasks_[id].deadline;
    };
    complete_all(worker->withdraw(stays, expired));
  }
}

// Completes a task whose work has not begun; one that a worker is at is completed when it comes
// back, with its vector if that was being computed.
void EngineCore::drop(TaskId id, CompletionStatus status, Instant now) {
  Task& task = tasks_[id];
  LaneQueues& lane = queues_[lane_index(task.lane)];
  if (task.stage == Task::Stage::working) {
    if (!take_from_worker(id)) {
      task.dropped = true;
      return;
    }
  } else if (lane.to_tokenize.contains(id)) {
    lane.to_tokenize.remove(id);
  } else {
    lane.to_encode.remove(id);
  }
  complete(id, status, now);
}

// False: its work has begun.
bool EngineCore::take_from_worker(TaskId id) {
  std::array<TaskId, Worker::withdrawn_max> taken;
  const auto stays = [&](TaskId other) -> std::optional<Instant> {
    if (other == id) return std::nullopt;
    return tasks_[other].deadline;
  };
  return tasks_[id].worker->withdraw(stays, taken) > 0;
}

// A device is told while HIGH has texts that will come to it.
void EngineCore::count_open(Lane lane, int change) {
  uint32_t& open = open_[lane_index(lane)];
  const bool any = open > 0;
  open += static_cast<uint32_t>(change);
  if (options_.device && lane == Lane::high && any != (open > 0))
    options_.device->expect_high(open > 0);
}

void EngineCore::release_text(Task& task) {
  if (!task.text_block) return;
  clients_[task.client].texts[lane_index(task.lane)].give_back(*task.text_block);
  task.text_block.reset();
}

void EngineCore::complete(TaskId id, CompletionStatus status, Instant now) {
  Task& task = tasks_[id];
  Client& client = clients_[task.client];
  release_text(task);
  // A session that has ended is told nothing, and its slots go with it.
  if (!client.ended) {
    Completion completion{};
    completion.task = task.name;
    completion.status = status;
    completion.tokens = task.tokens;
    completion.truncated = task.truncated ? 1 : 0;
    completion.engine_ns = static_cast<uint64_t>(now - task.admitted);
    client.session->complete(task.slot, completion);
  }
  metrics_.completed(id, task, status, now);
  client.task_of_slot[task.slot.index] = no_task;
  --client.tasks_open;
  count_open(task.lane, -1);
  admission_.completed(task.client, task.lane, task.work);
  tasks_.close(id);
}

}  // namespace hilo
