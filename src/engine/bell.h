// Wakes the intake thread out of epoll. Ringing costs one load while it is awake.
//
//   intake:   prepare_to_sleep(), look for work once more, epoll_wait(), awake()
//   others:   leave the work where intake looks, ring()
// All four steps are sequentially consistent: either intake sees the work, or it is rung awake.
#pragma once

#include <atomic>
#include <cstdint>
#include <sys/eventfd.h>

#include "base/ensure.h"
#include "base/unique_fd.h"

namespace hilo {

class Bell {
 public:
  Bell() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { ENSURE(event_.valid()); }

  // Watch it edge-triggered; it is never read.
  int descriptor() const { return event_.get(); }

  void prepare_to_sleep() { asleep_.store(true, std::memory_order_seq_cst); }
  void awake() { asleep_.store(false, std::memory_order_relaxed); }

  void ring() {
    // Each rings for itself: one that had taken the duty from the others, and then lost its core
    // before it rang, would keep them waiting.
    if (asleep_.load(std::memory_order_seq_cst)) ::eventfd_write(event_.get(), 1);
  }

 private:
  UniqueFd event_;
  alignas(64) std::atomic<bool> asleep_{false};
};

}  // namespace hilo
