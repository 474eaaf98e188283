// Lets a HIGH worker stop the LOW worker of the same core for a moment. LOW work calls pass() every
// 10 to 20 us; while the gate is closed it waits there, on a futex, with all its state in its own
// buffers.
#pragma once

#include <atomic>
#include <cstdint>

namespace hilo {

class YieldGate {
 public:
  void close() { closed_.fetch_add(1, std::memory_order_seq_cst); }
  void open() {
    closed_.fetch_sub(1, std::memory_order_seq_cst);
    closed_.notify_all();
  }
  void pass() const {
    while (const uint32_t closed = closed_.load(std::memory_order_relaxed))
      closed_.wait(closed, std::memory_order_relaxed);
  }

 private:
  alignas(64) std::atomic<uint32_t> closed_{0};
};

}  // namespace hilo
