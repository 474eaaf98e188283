#include "scheduler/fair_queue.h"

#include <algorithm>
#include <bit>

#include "base/ensure.h"

namespace hilo {
namespace {

constexpr uint64_t bit_of(uint32_t client) { return uint64_t{1} << client; }

}  // namespace

FairQueue::FairQueue(uint32_t tasks) : places_(tasks) {}

void FairQueue::push(const QueuedTask& task) {
  ENSURE(task.id < places_.size());
  ENSURE(task.client < clients_max);
  ENSURE(!contains(task.id));
  Flow& flow = flows_[task.client];
  if (flow.first == no_task) {
    waiting_clients_ |= bit_of(task.client);
    flow.served = std::max(flow.served, turn_);  // Back as an equal.
  }
  const TaskId before = last_before(flow, task.deadline);
  const TaskId after = before == no_task ? flow.first : places_[before].after;
  places_[task.id] = {.task = task, .before = before, .after = after};
  (before == no_task ? flow.first : places_[before].after) = task.id;
  (after == no_task ? flow.last : places_[after].before) = task.id;
  cost_ += task.cost;
  with_deadline_ += task.deadline == never ? 0 : 1;
}

// Behind which task one with that deadline goes. One step, unless it overtakes tasks of its client.
TaskId FairQueue::last_before(const Flow& flow, Instant deadline) const {
  TaskId before = flow.last;
  while (before != no_task && places_[before].task.deadline > deadline)
    before = places_[before].before;
  return before;
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
  with_deadline_ -= place.task.deadline == never ? 0 : 1;
  if (flow.first == no_task) waiting_clients_ &= ~bit_of(place.task.client);
}

Instant FairQueue::next_deadline() const {
  Instant next = never;
  if (with_deadline_ == 0) return next;
  for (uint64_t left = waiting_clients_; left != 0; left &= left - 1)
    next = std::min(next, deadline_of(flows_[static_cast<size_t>(std::countr_zero(left))]));
  return next;
}

size_t FairQueue::remove_expired(Instant now, std::span<TaskId> expired) {
  size_t count = 0;
  if (with_deadline_ == 0) return count;
  for (uint64_t left = waiting_clients_; left != 0; left &= left - 1) {
    const Flow& flow = flows_[static_cast<size_t>(std::countr_zero(left))];
    while (flow.first != no_task && deadline_of(flow) <= now) {
      if (count == expired.size()) return count;
      expired[count++] = flow.first;
      remove(flow.first);
    }
  }
  return count;
}

}  // namespace hilo
