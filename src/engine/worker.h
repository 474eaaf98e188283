// Who carries out plans, as the tick sees it: a mailbox of a few orders, emptied elsewhere. The
// tick gives and collects; a plan stays in its place from one to the other.
//
//   given_    counted by the tick          places given_ .. done_      wait or run
//   done_     counted by the worker        places done_ .. collected_  are finished
//
// A worker without a plan may be asked to assist one that encodes. What empties the mailbox derives
// from this: a thread (worker_thread.h), or a script in virtual time (tests/simulation).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "scheduler/plan.h"

namespace hilo {

class Worker {
 public:
  // `core` counts the pairs of a HIGH and a LOW worker that share one.
  Worker(Lane lane, uint32_t core) : lane_(lane), core_(core) {}
  virtual ~Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Lane lane() const { return lane_; }
  uint32_t core() const { return core_; }

  // ---- The tick

  uint32_t plans() const { return given_.load(std::memory_order_relaxed) - collected_; }
  bool has_room() const { return plans() < depth(); }
  void give(const Plan& plan);
  // Asks it to help with the plan that `leader` was given last, once that worker is at it.
  void ask_to_assist(Worker& leader);
  // True if it was given a plan to encode, and others may assist.
  bool leads() const;
  // The oldest plan that is done; null if there is none. Empty if it was to assist.
  const Plan* finished() const;
  const WorkTimes& times_of_finished() const;
  void collect();

 protected:
  // A plan, or whom to assist with which of theirs.
  struct Order {
    Plan plan;
    Worker* leader = nullptr;
    uint32_t leaders_plan = 0;
    WorkTimes times;
  };

  // Order number `number` has just been put into the mailbox.
  virtual void wake(uint32_t number) = 0;

  // ---- The worker

  const Order& order(uint32_t number) const { return mailbox_[number % mailbox_.size()]; }
  // Order number `number` is finished; what it said was done before.
  void finish(uint32_t number, const WorkTimes& times) {
    mailbox_[number % mailbox_.size()].times = times;
    // Partner: finished(). Sequentially consistent, because a thread next looks whether the tick
    // sleeps.
    done_.store(number + 1, std::memory_order_seq_cst);
  }

  alignas(64) std::atomic<uint32_t> given_{0};
  alignas(64) std::atomic<uint32_t> done_{0};

 private:
  // LOW always has its next plan at hand. HIGH plans stay in the queue, where any free worker may
  // take them.
  uint32_t depth() const { return lane_ == Lane::high ? 1 : 2; }
  Order& next_order();
  void post();

  const Lane lane_;
  const uint32_t core_;
  uint32_t collected_ = 0;
  std::array<Order, 2> mailbox_;
};

}  // namespace hilo
