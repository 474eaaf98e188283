// Tasks of one lane that wait for one kind of work. Within a client, earlier deadlines first, then
// first come, first served; between clients, fair by the cost of what was taken (start-time fair
// queueing): whoever has had least goes first, and a client that was away for a while comes back as
// an equal, without credit for its absence. So a deadline gains nothing over another client.
//
// Plain data: no clock, no thread, no allocation after the constructor. It has room for every task
// that can exist, so pushing never fails.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "protocol/bounds.h"

namespace hilo {

// A place in the engine's table of tasks.
using TaskId = uint32_t;
inline constexpr uint32_t tasks_max = clients_max * tasks_per_client_max;
inline constexpr TaskId no_task = UINT32_MAX;

inline constexpr Instant never{INT64_MAX};

struct QueuedTask {
  TaskId id = no_task;
  uint32_t client = 0;
  uint32_t cost = 0;  // tokens or bytes; at least 1 is charged
  Instant deadline = never;
};

class FairQueue {
 public:
  // Room for tasks 0 to `tasks` - 1.
  explicit FairQueue(uint32_t tasks = tasks_max);

  void push(const QueuedTask& task);
  // The task whose turn it is. The queue must not be empty.
  const QueuedTask& front() const;
  // Takes the front and charges its client.
  TaskId pop();
  // Takes a task out of turn, uncharged: it was cancelled, or its client is gone.
  void remove(TaskId id);
  // Takes tasks whose deadline is not after `now`. Fewer than `expired` has room for means all.
  size_t remove_expired(Instant now, std::span<TaskId> expired);

  bool contains(TaskId id) const { return places_[id].task.id == id; }
  bool empty() const { return waiting_clients_ == 0; }
  uint64_t cost() const { return cost_; }
  // The earliest deadline in the queue.
  Instant next_deadline() const;
  size_t bytes() const { return places_.size() * sizeof(Place); }

 private:
  // Each client's tasks form a list through their places, in the order in which they are served.
  struct Place {
    QueuedTask task;
    TaskId before = no_task;
    TaskId after = no_task;
  };
  struct Flow {
    TaskId first = no_task;
    TaskId last = no_task;
    uint64_t served = 0;  // what the client was charged, on the common scale of turn_
  };

  uint32_t client_to_serve() const;
  TaskId last_before(const Flow& flow, Instant deadline) const;
  Instant deadline_of(const Flow& flow) const { return places_[flow.first].task.deadline; }

  std::vector<Place> places_;
  std::array<Flow, clients_max> flows_;
  uint64_t waiting_clients_ = 0;  // one bit a client
  static_assert(clients_max <= 64);
  uint64_t turn_ = 0;  // `served` of the client that was served last, before it was charged
  uint64_t cost_ = 0;
  uint32_t with_deadline_ = 0;  // tasks
};

}  // namespace hilo
