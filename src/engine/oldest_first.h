// The open tasks of one lane in the order in which they were admitted, so that the age of the
// oldest is known at any time, whatever order they are served in. Plain data; fixed memory.
#pragma once

#include <vector>

#include "base/clock.h"
#include "base/ensure.h"
#include "scheduler/fair_queue.h"

namespace hilo {

class OldestFirst {
 public:
  OldestFirst() : links_(tasks_max) {}

  void add(TaskId id, Instant admitted) {
    links_[id] = {.older = newest_, .newer = no_task, .admitted = admitted};
    (newest_ == no_task ? oldest_ : links_[newest_].newer) = id;
    newest_ = id;
  }
  void remove(TaskId id) {
    const Link link = links_[id];
    ENSURE((link.older == no_task) == (oldest_ == id));
    (link.older == no_task ? oldest_ : links_[link.older].newer) = link.newer;
    (link.newer == no_task ? newest_ : links_[link.newer].older) = link.older;
  }
  size_t bytes() const { return links_.size() * sizeof(Link); }
  bool empty() const { return oldest_ == no_task; }
  // When the oldest was admitted.
  Instant oldest() const {
    ENSURE(!empty());
    return links_[oldest_].admitted;
  }

 private:
  struct Link {
    TaskId older = no_task;
    TaskId newer = no_task;
    Instant admitted;
  };
  std::vector<Link> links_;
  TaskId oldest_ = no_task;
  TaskId newest_ = no_task;
};

}  // namespace hilo
