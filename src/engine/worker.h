// A thread that carries out plans, with a mailbox of a few. The intake thread gives and collects; a
// plan stays in its place from one to the other.
//
//   given_    counted by intake            places given_ .. done_      wait or run
//   done_     counted by the worker        places done_ .. collected_  are finished
//
// A HIGH worker waits for its next plan awake for a moment, because encoding follows tokenizing;
// and while it works the LOW worker of its core stands at the gate they share. A HIGH worker that
// has no plan is asked to assist one that encodes. Without a thread of its own (an instant backend)
// a worker carries a plan out as it is given.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

#include "backend/yield_gate.h"
#include "base/clock.h"
#include "engine/bell.h"
#include "engine/plan_runner.h"
#include "scheduler/plan.h"

namespace hilo {

struct WorkerOptions {
  Lane lane = Lane::high;
  std::optional<int> core{};  // none: no thread of its own
  Nanoseconds spin_max = 0;   // how long it waits awake
  YieldGate* gate = nullptr;  // shared by the two workers of a core
};

class Worker {
 public:
  Worker(const WorkerOptions& options, std::unique_ptr<PlanRunner> runner, Bell& bell);
  ~Worker() { stop(); }
  // Ends the thread after the plan it is at; those that wait are dropped. All workers stop before
  // the first is destroyed, because they look at each other.
  void stop();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Lane lane() const { return options_.lane; }
  size_t bytes() const { return runner_->bytes(); }

  // Intake
  uint32_t plans() const { return given_.load(std::memory_order_relaxed) - collected_; }
  bool has_room() const { return plans() < depth(); }
  void give(const Plan& plan);
  // Asks it to help with the plan that `leader` was given last, once that worker is at it.
  void ask_to_assist(Worker& leader);
  // True if it was given a plan to encode, and others may assist.
  bool leads() const;
  // The oldest plan that is done; null if there is none. Empty if it was to assist.
  const Plan* finished() const;
  void collect();

 private:
  // LOW always has its next plan at hand. HIGH plans stay in the queue, where any free worker may
  // take them.
  uint32_t depth() const { return options_.lane == Lane::high ? 1 : 2; }
  void post();
  void assist(Worker& leader, uint32_t plan);
  void loop();
  bool wait_for_plan(uint32_t done);
  void run_next(uint32_t done);

  WorkerOptions options_;
  std::unique_ptr<PlanRunner> runner_;
  Bell& bell_;
  // A plan, or whom to assist with which of theirs.
  struct Order {
    Plan plan;
    Worker* leader = nullptr;
    uint32_t leaders_plan = 0;
  };
  std::array<Order, 2> mailbox_;
  uint32_t collected_ = 0;
  alignas(64) std::atomic<uint32_t> given_{0};
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<uint32_t> done_{0};
  std::thread thread_;
};

}  // namespace hilo
