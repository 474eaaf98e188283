// Stops the LOW worker of a core for a moment. LOW work calls pass() every 10 to 20 us; while
// anyone keeps the gate closed it waits there, on a futex, with all its state in its own buffers.
#pragma once

#include <atomic>
#include <cstdint>

namespace hilo {

class YieldGate {
 public:
  void close() { closed_.fetch_add(1, std::memory_order_seq_cst); }
  // Takes back as many close().
  void open(uint32_t times = 1) {
    if (closed_.fetch_sub(times, std::memory_order_seq_cst) == times) closed_.notify_all();
  }
  void pass() const {
    while (const uint32_t closed = closed_.load(std::memory_order_relaxed))
      closed_.wait(closed, std::memory_order_relaxed);
  }

 private:
  alignas(64) std::atomic<uint32_t> closed_{0};
};

}  // namespace hilo
