// A worker that is a thread, pinned to its core. A HIGH worker waits for its next plan awake for a
// moment, because encoding follows tokenizing; from the moment it is given a plan until it sleeps
// again, the LOW worker of its core stands at the gate they share. One of a device is pinned to no
// core, because it mostly waits. Where the backend is instant it has no thread, and carries a plan
// out as it is given.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "backend/yield_gate.h"
#include "base/clock.h"
#include "engine/bell.h"
#include "engine/engine.h"
#include "engine/plan_runner.h"
#include "engine/trace.h"
#include "engine/worker.h"

namespace hilo {

struct WorkerThreadOptions {
  Lane lane = Lane::high;
  uint32_t pair = 0;          // counts the cores of the engine, and then the device's pairs
  bool has_thread = false;    // else it carries a plan out as it is given
  std::optional<int> core{};  // that its thread is pinned to, by the system's number
  Nanoseconds spin_max = 0;   // how long it waits awake
  YieldGate* gate = nullptr;  // HIGH closes it and LOW stops there; none: neither
  Bell* begins = nullptr;     // rung when it begins a plan
  Preemption::LowClass low_class = Preemption::LowClass::idle;
  WorkerTrace* trace = nullptr;
};

class WorkerThread final : public Worker {
 public:
  WorkerThread(const WorkerThreadOptions& options, std::unique_ptr<PlanRunner> runner, Bell& bell);
  ~WorkerThread() override { stop(never); }
  // Its thread ends after the plan it is at; those that wait are dropped.
  void begin_to_stop();
  // The same, and waits for it. All workers stop before the first is destroyed, because they look
  // at each other. False: it was not done by the deadline. Others may keep the kernel from giving a
  // LOW worker any time.
  bool stop(Instant deadline);

  // False where the system has not allowed it.
  bool pinned() const { return pinned_; }
  bool gives_way() const { return gives_way_; }

  bool may_run() const override {
    return lane() == Lane::high || options_.gate == nullptr || !options_.gate->is_shut();
  }

  bool is_of_device() const { return options_.has_thread && !options_.core; }

  // What its thread has had of a processor; 0 without a thread.
  Nanoseconds cpu_time() const;
  size_t bytes() const { return sizeof(*this) + runner_->bytes(); }

 private:
  void prepare_for_order() override;
  void wake(uint32_t number) override;
  bool take_class() const;
  void loop();
  bool wait_for_plan(uint32_t done);
  void open_gate(uint32_t done);
  void run(uint32_t number);
  void assist(WorkerThread& leader, uint32_t plan);

  WorkerThreadOptions options_;
  std::unique_ptr<PlanRunner> runner_;
  Bell& bell_;
  bool pinned_ = true;
  bool gives_way_ = true;
  uint32_t opened_ = 0;  // The gate was opened again for so many orders.
  std::atomic<bool> stopping_{false};
  std::promise<bool> has_class_;
  std::promise<void> ended_;
  std::future<void> has_ended_ = ended_.get_future();
  std::thread thread_;
  clockid_t cpu_clock_{};
};

}  // namespace hilo
