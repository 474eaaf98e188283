// Tasks go to workers, come back, and are completed.
#include <array>

#include "base/ensure.h"
#include "engine/engine_core.h"

namespace hilo {

bool EngineCore::hand_out_work() {
  bool finished_already = false;
  for (const Lane lane : {Lane::high, Lane::low}) {
    uint32_t equally_busy = 0;
    while (Worker* const worker = least_busy(lane, equally_busy)) {
      const Plan plan = take_plan(lane, queues_[lane_index(lane)], equally_busy);
      if (plan.empty()) break;
      for (const TaskId id : plan.tasks()) tasks_[id].stage = Task::Stage::working;
      metrics_.handed_out(lane, plan.count);
      worker->give(plan);
      finished_already |= worker->finished() != nullptr;
    }
  }
  if (options_.assist) ask_to_assist();
  return finished_already;
}

// HIGH workers without a plan help one that encodes, so that a lone text has all cores.
void EngineCore::ask_to_assist() {
  Worker* leader = nullptr;
  for (Worker* const worker : workers_)
    if (worker->lane() == Lane::high && worker->leads()) leader = worker;
  if (leader == nullptr) return;
  for (Worker* const worker : workers_)
    if (worker->lane() == Lane::high && worker->plans() == 0) worker->ask_to_assist(*leader);
}

// Null if every worker of the lane has all that its mailbox holds.
Worker* EngineCore::least_busy(Lane lane, uint32_t& equally_busy) {
  Worker* chosen = nullptr;
  equally_busy = 0;
  for (Worker* const worker : workers_) {
    if (worker->lane() != lane || !worker->has_room()) continue;
    if (chosen == nullptr || worker->plans() < chosen->plans()) {
      chosen = worker;
      equally_busy = 0;
    }
    if (worker->plans() == chosen->plans()) ++equally_busy;
  }
  return chosen;
}

void EngineCore::collect_finished(Instant now) {
  for (Worker* const worker : workers_) {
    while (const Plan* const plan = worker->finished()) {
      if (plan->lane == Lane::high) expects_more_ = true;
      take_back(*plan, worker->times_of_finished(), now);
      worker->collect();
    }
  }
}

void EngineCore::take_back(const Plan& plan, const WorkTimes& times, Instant now) {
  uint32_t tokens = 0;
  for (const TaskId id : plan.tasks()) {
    Task& task = tasks_[id];
    (plan.work == Work::tokenize ? task.tokenized : task.computed) = times;
    tokens += task.tokens;
    if (plan.work == Work::tokenize) release_text(task);
    if (plan.work == Work::encode || task.status != CompletionStatus::ok)
      complete(id, task.status, now);
    else if (task.dropped)
      complete(id, CompletionStatus::cancelled, now);
    else
      queue_to_encode(id);
  }
  if (plan.work == Work::encode && plan.count > 0) metrics_.computed(plan, tokens);
}

void EngineCore::queue_to_encode(TaskId id) {
  Task& task = tasks_[id];
  task.stage = Task::Stage::queued;
  metrics_.waits_again(task.lane);
  queues_[lane_index(task.lane)].to_encode.push(
      {.id = id, .client = task.client, .cost = task.tokens, .deadline = task.deadline});
}

void EngineCore::drop_expired(Instant now) {
  std::array<TaskId, 64> expired;
  for (LaneQueues& lane : queues_) {
    for (FairQueue* const queue : {&lane.to_tokenize, &lane.to_encode}) {
      size_t count = 0;
      do {
        count = queue->remove_expired(now, expired);
        for (const TaskId id : std::span{expired}.first(count)) {
          if (queue == &lane.to_tokenize) release_text(tasks_[id]);
          complete(id, CompletionStatus::expired, now);
        }
      } while (count == expired.size());
    }
  }
}

// Completes a task that still waits; one that a worker has is completed when it comes back, with
// its vector if that was being computed.
void EngineCore::drop(TaskId id, CompletionStatus status, Instant now) {
  Task& task = tasks_[id];
  if (task.stage == Task::Stage::working) {
    task.dropped = true;
    return;
  }
  LaneQueues& lane = queues_[lane_index(task.lane)];
  if (lane.to_tokenize.contains(id)) {
    lane.to_tokenize.remove(id);
    release_text(task);
  } else {
    lane.to_encode.remove(id);
  }
  complete(id, status, now);
}

void EngineCore::release_text(const Task& task) {
  texts_[lane_index(task.lane)].give_back(task.text_block);
  stalled_ = 0;
}

void EngineCore::complete(TaskId id, CompletionStatus status, Instant now) {
  Task& task = tasks_[id];
  Client& client = clients_[task.client];
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
  tasks_.close(id);
}

}  // namespace hilo
