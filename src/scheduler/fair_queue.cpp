#include "scheduler/fair_queue.h"

#include <algorithm>
#include <bit>

#include "base/ensure.h"

namespace hilo {
namespace {

constexpr uint64_t bit_of(uint32_t client) { return uint64_t{1} << client; }

}  // namespace

FairQueue::FairQueue() : places_(tasks_max) {}

void FairQueue::push(const QueuedTask& task) {
  ENSURE(task.id < tasks_max);
  ENSURE(task.client < clients_max);
  ENSURE(!contains(task.id));
  Flow& flow = flows_[task.client];
  if (flow.first == no_task) {
    waiting_clients_ |= bit_of(task.client);
    flow.served = std::max(flow.served, turn_);  // Back as an equal.
    flow.first = task.id;
  } else {
    places_[flow.last].after = task.id;
  }
  places_[task.id] = {.task = task, .before = flow.last, .after = no_task};
  flow.last = task.id;
  flow.next_deadline = std::min(flow.next_deadline, task.deadline);
  next_deadline_ = std::min(next_deadline_, task.deadline);
  cost_ += task.cost;
}

uint32_t FairQueue::client_to_serve() const {
  ENSURE(!empty());
  uint32_t chosen = clients_max;
  for (uint64_t left = waiting_clients_; left != 0; left &= left - 1) {
    const auto client = static_cast<uint32_t>(std::countr_zero(left));
    if (chosen == clients_max || flows_[client].served < flows_[chosen].served) chosen = client;
  }
  return chosen;
}

const QueuedTask& FairQueue::front() const { return places_[flows_[client_to_serve()].first].task; }

TaskId FairQueue::pop() {
  Flow& flow = flows_[client_to_serve()];
  const TaskId id = flow.first;
  turn_ = flow.served;
  flow.served += std::max(places_[id].task.cost, 1U);
  remove(id);
  return id;
}

void FairQueue::remove(TaskId id) {
  ENSURE(contains(id));
  const Place place = places_[id];
  Flow& flow = flows_[place.task.client];
  (place.before == no_task ? flow.first : places_[place.before].after) = place.after;
  (place.after == no_task ? flow.last : places_[place.after].before) = place.before;
  places_[id] = {};
  cost_ -= place.task.cost;
  if (flow.first == no_task) {
    waiting_clients_ &= ~bit_of(place.task.client);
    flow.next_deadline = never;
  }
}

size_t FairQueue::remove_expired(Instant now, std::span<TaskId> expired) {
  if (now < next_deadline_) return 0;
  size_t count = 0;
  next_deadline_ = never;
  for (uint64_t left = waiting_clients_; left != 0; left &= left - 1) {
    Flow& flow = flows_[static_cast<size_t>(std::countr_zero(left))];
    if (flow.next_deadline <= now) count += remove_expired_of(flow, now, expired.subspan(count));
    next_deadline_ = std::min(next_deadline_, flow.next_deadline);
  }
  return count;
}

size_t FairQueue::remove_expired_of(Flow& flow, Instant now, std::span<TaskId> expired) {
  size_t count = 0;
  Instant next = never;
  for (TaskId id = flow.first; id != no_task;) {
    const Place place = places_[id];
    if (place.task.deadline <= now && count < expired.size()) {
      expired[count++] = id;
      remove(id);
    } else {
      next = std::min(next, place.task.deadline);
    }
    id = place.after;
  }
  flow.next_deadline = next;
  return count;
}

}  // namespace hilo
