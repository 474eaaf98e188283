// What the control thread and the intake thread hand to each other: sessions that begin, sessions
// that have ended, and the order to drain.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "channel/session.h"
#include "scheduler/fair_queue.h"

namespace hilo {

class ControlDesk {
 public:
  ControlDesk();

  // Control thread; SessionHost says what they mean.
  void adopt(std::unique_ptr<Session> session);
  std::vector<std::unique_ptr<Session>> take_retired();
  int news() const { return news_.get(); }
  void drain(Instant deadline);
  bool drained() const { return drained_.load(std::memory_order_acquire); }

  // Intake thread. Never allocates.
  bool anything_adopted() const { return adopted_.count.load(std::memory_order_seq_cst) > 0; }
  std::unique_ptr<Session> next_adopted();  // null if there is none
  void retire(std::unique_ptr<Session> session);
  // `never` while nobody has asked.
  Instant drain_deadline() const { return {drain_deadline_ns_.load(std::memory_order_seq_cst)}; }
  void set_drained();

 private:
  // The supervisor never has more sessions than this at a time, so that neither tray overflows.
  struct Tray {
    std::array<std::unique_ptr<Session>, clients_max> sessions;
    std::atomic<uint32_t> count{0};
    void put(std::unique_ptr<Session> session);
    std::unique_ptr<Session> take();
  };

  std::mutex mutex_;  // over both trays
  Tray adopted_;
  Tray retired_;
  std::atomic<Nanoseconds> drain_deadline_ns_{never.ns};
  std::atomic<bool> drained_{false};
  UniqueFd news_;
};

}  // namespace hilo
