// Stops the LOW worker of a core for a moment. LOW work calls pass() every 10 to 20 us; while
// anyone keeps the gate closed it waits there, on a futex, with all its state in its own buffers.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/ensure.h"

namespace hilo {

// Told of each stop, in the thread that stood.
class GateWatcher {
 public:
  virtual ~GateWatcher() = default;
  virtual void stopped(Instant from, Instant until) = 0;
};

class YieldGate {
 public:
  explicit YieldGate(GateWatcher* watcher = nullptr) : watcher_(watcher) {}

  void close() { closed_.fetch_add(1, std::memory_order_seq_cst); }
  // Takes back as many close().
  void open(uint32_t times = 1) {
    const uint32_t closed = closed_.fetch_sub(times, std::memory_order_seq_cst);
    ENSURE(closed >= times);
    if (closed == times) closed_.notify_all();
  }
  bool is_closed() const { return closed_.load(std::memory_order_seq_cst) != 0; }
  void pass() const {
    if (closed_.load(std::memory_order_relaxed) != 0) stop();
  }

 private:
  void stop() const {
    const Instant from = monotonic_now();
    while (const uint32_t closed = closed_.load(std::memory_order_relaxed))
      closed_.wait(closed, std::memory_order_relaxed);
    if (watcher_ != nullptr) watcher_->stopped(from, monotonic_now());
  }

  alignas(64) std::atomic<uint32_t> closed_{0};
  GateWatcher* const watcher_;
};

}  // namespace hilo
