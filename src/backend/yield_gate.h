// Stops the LOW worker of a core for a moment, or ends what it is at. LOW work calls pass() every
// 10 to 20 us; while anyone keeps the gate closed, or its time is over, it waits there, on a futex,
// with all its state in its own buffers.
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
  explicit YieldGate(GateWatcher* watcher = nullptr) noexcept : watcher_(watcher) {}

  void close() { state_.fetch_add(1, std::memory_order_seq_cst); }
  // Takes back as many close().
  void open(uint32_t times = 1) {
    const uint32_t closed = state_.fetch_sub(times, std::memory_order_seq_cst) & ~abandoned;
    ENSURE(closed >= times);
    if (closed == times) state_.notify_all();
  }
  bool is_closed() const { return (state_.load(std::memory_order_seq_cst) & ~abandoned) != 0; }

  // Besides, it is open until then and not longer: who is late to say so again stops LOW. The
  // beginning of time, `shut`, is over at once.
  void keep_open_until(Instant until) {
    until_.store(until.ns, std::memory_order_seq_cst);
    until_.notify_all();
  }
  static constexpr Instant shut{};
  static constexpr Instant unlimited{INT64_MAX};
  bool is_shut() const { return until_.load(std::memory_order_relaxed) == shut.ns; }

  // For ever: nobody wants any more what is computed behind this gate, closed or not.
  void abandon() {
    state_.fetch_or(abandoned, std::memory_order_seq_cst);
    state_.notify_all();
    keep_open_until(unlimited);  // Who waits for time looks once more.
  }
  bool is_abandoned() const { return (state_.load(std::memory_order_relaxed) & abandoned) != 0; }

  // False: the work is abandoned. Return at once; what it leaves behind is not looked at.
  [[nodiscard]] bool pass() const {
    const bool open = state_.load(std::memory_order_relaxed) == 0 &&
                      !is_over(until_.load(std::memory_order_relaxed));
    return open || stop();
  }

 private:
  static constexpr uint32_t abandoned = uint32_t{1} << 31;

  // The clock is read only where there is a limit.
  static bool is_over(Nanoseconds until) {
    return until != unlimited.ns && until <= monotonic_now().ns;
  }
  bool stop() const {
    if (is_abandoned()) return false;
    const Instant from = monotonic_now();
    for (;;) {
      const Nanoseconds until = until_.load(std::memory_order_relaxed);
      const uint32_t closed = state_.load(std::memory_order_seq_cst);
      if ((closed & abandoned) != 0) break;
      if (closed != 0)
        state_.wait(closed, std::memory_order_relaxed);
      else if (is_over(until))
        until_.wait(until, std::memory_order_relaxed);
      else
        break;
    }
    if (watcher_ != nullptr) watcher_->stopped(from, monotonic_now());
    return !is_abandoned();
  }

  // How often it is closed, and whether it is abandoned.
  alignas(64) std::atomic<uint32_t> state_{0};
  std::atomic<Nanoseconds> until_{unlimited.ns};
  GateWatcher* const watcher_;
};

}  // namespace hilo
