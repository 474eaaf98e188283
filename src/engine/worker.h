// Who carries out plans, as the tick sees it: a mailbox of a few orders, emptied elsewhere. The
// tick gives and collects; a plan stays in its place from one to the other.
//
//   given_    counted by the tick          places given_ .. done_      wait or run
//   done_     counted by the worker        places done_ .. collected_  are finished
//
// Until the worker begins with an order, the tick may take tasks out of it again: a LOW worker can
// stand aside for as long as HIGH works.
//
// A worker without a plan may be asked to assist one that encodes. What empties the mailbox derives
// from this: a thread (worker_thread.h), or a script in virtual time (tests/simulation).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "base/spin.h"
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

  // A plan, or whom to assist with which of theirs.
  struct Order {
    enum class State : uint32_t { waiting, withheld, begun };
    Plan plan;
    Instant deadline = never;  // the earliest of the plan's tasks
    Worker* leader = nullptr;
    uint32_t leaders_plan = 0;
    WorkTimes times{};    // once it is finished
    bool shared = false;  // Others were asked to assist. The tick's alone.
    std::atomic<State> state{State::waiting};
  };

  // True from before it begins an order until it has finished it. Any thread may ask.
  bool has_work() const {
    return given_.load(std::memory_order_seq_cst) != done_.load(std::memory_order_seq_cst);
  }

  // ---- The tick

  // False while it stands, whatever the other lane does: there is a quota of CPU time, and LOW's
  // part of it is spent.
  virtual bool may_run() const { return true; }
  uint32_t plans() const { return given_.load(std::memory_order_relaxed) - collected_; }
  bool has_room() const { return plans() < depth(); }
  void give(const Plan& plan, Instant deadline);
  // Asks it to help with the plan that `leader` was given last, once that worker is at it.
  void ask_to_assist(Worker& leader);
  // True if it was given a plan to encode, and others may assist.
  bool leads() const;
  // The oldest order that is done; null if there is none. Its plan is empty if it was to assist.
  const Order* finished() const;
  void collect();

  // Whether it is at the oldest of its orders, or has to stand aside in the middle of it.
  bool has_begun() const {
    return plans() > 0 &&
           order(collected_).state.load(std::memory_order_relaxed) == Order::State::begun;
  }
  // The oldest plan that has not begun; empty if there is none. Its order stays, without tasks.
  Plan give_up_plan();
  // Takes tasks out of plans that have not begun. stays(id) says nothing, and the task is taken
  // out, or its deadline. The ids taken out are in `out`, which has room for all.
  template <class Stays>
  size_t withdraw(Stays stays, std::span<TaskId> out);
  static constexpr size_t withdrawn_max = size_t{2} * plan_tasks_max;
  // The earliest deadline of a task in a plan that has not begun.
  Instant next_deadline() const;

 protected:
  // An order is about to be put into the mailbox. The worker may be awake, and finish it before
  // wake() is called.
  virtual void prepare_for_order() {}
  // Order number `number` has just been put into the mailbox.
  virtual void wake(uint32_t number) = 0;

  // ---- The worker

  Order& order(uint32_t number) { return mailbox_[number % mailbox_.size()]; }
  const Order& order(uint32_t number) const { return mailbox_[number % mailbox_.size()]; }
  // From here on the order is the worker's alone.
  const Order& begin(uint32_t number) {
    Order::State state = Order::State::waiting;
    // Partner: withhold(), whose caller has it for a moment only.
    SpinWait wait;
    while (!order(number).state.compare_exchange_weak(state, Order::State::begun,
                                                      std::memory_order_acq_rel)) {
      state = Order::State::waiting;
      wait.pause();
    }
    return order(number);
  }
  // Order number `number` is finished; what it said was done before.
  void finish(uint32_t number, const WorkTimes& times) {
    order(number).times = times;
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
  // Keeps the worker from beginning for a moment; false if it has begun.
  static bool withhold(Order& order) {
    Order::State state = Order::State::waiting;
    // Partner: begin().
    return order.state.compare_exchange_strong(state, Order::State::withheld,
                                               std::memory_order_acq_rel);
  }

  const Lane lane_;
  const uint32_t core_;
  uint32_t collected_ = 0;
  std::array<Order, 2> mailbox_;
};

template <class Stays>
size_t Worker::withdraw(Stays stays, std::span<TaskId> out) {
  size_t count = 0;
  for (uint32_t number = collected_; number != given_.load(std::memory_order_relaxed); ++number) {
    Order& order = this->order(number);
    if (!withhold(order)) continue;
    Plan& plan = order.plan;
    uint32_t staying = 0;
    order.deadline = never;
    for (const TaskId id : plan.tasks()) {
      const std::optional<Instant> deadline = stays(id);
      if (deadline) {
        plan.ids[staying++] = id;
        order.deadline = std::min(order.deadline, *deadline);
      } else {
        out[count++] = id;
      }
    }
    plan.count = staying;
    order.state.store(Order::State::waiting, std::memory_order_release);
  }
  return count;
}

}  // namespace hilo
