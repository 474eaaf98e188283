// What runs the engine's core in real time: the intake thread, which ticks and sleeps, and the
// workers.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/bell.h"
#include "engine/client_watch.h"
#include "engine/control_desk.h"
#include "engine/engine.h"
#include "engine/engine_core.h"
#include "engine/quota_keeper.h"
#include "engine/worker_thread.h"

namespace hilo {

class EngineThreads {
 public:
  EngineThreads(const Backend& backend, const Tokenizer* tokenizer, const EngineOptions& options);
  ~EngineThreads();
  bool stop(Instant deadline);  // see Engine
  EngineThreads(const EngineThreads&) = delete;
  EngineThreads& operator=(const EngineThreads&) = delete;

  // The control thread leaves an order there, and rings.
  ControlDesk& desk() { return desk_; }
  void ring() { bell_.ring(); }

  std::vector<BudgetLine> memory_budget() const;
  const Metrics& metrics() const { return core_->metrics(); }
  std::vector<WorkerReport> worker_reports() const;

 private:
  // What all workers are made with.
  struct WorkerParts {
    const Tokenizer* tokenizer;
    const EngineOptions& options;
    uint32_t assistants;
  };
  std::optional<DeviceOptions> device_options() const;
  void make_workers(const Tokenizer* tokenizer, const EngineOptions& options);
  static WorkerTrace* make_trace(const WorkerParts& parts, Lane lane, const std::string& place);
  void add_worker(const WorkerParts& parts, const WorkerThreadOptions& worker);
  void add_pair(const WorkerParts& parts, std::optional<int> core, const std::string& place);
  void tell_what_was_not_allowed() const;
  void keep_low_within_quota();
  void abandon_low() const;
  void loop();
  void tick();
  void follow_control(Instant now);
  void begin_session(std::unique_ptr<Session> session, Instant now);
  void report_to_control(Instant now);
  void wait(Instant now);
  bool work_has_arrived() const;
  void adapt_spin(Instant now);

  const Backend& backend_;
  ControlDesk desk_;
  Bell bell_;
  ClientWatch watch_{bell_};
  TaskTable tasks_;
  std::vector<std::unique_ptr<StopMeter>> stop_meters_;  // one a gate
  std::vector<std::unique_ptr<YieldGate>> gates_;
  std::vector<std::unique_ptr<WorkerThread>> workers_;
  Bell low_begins_;
  std::unique_ptr<QuotaKeeper> quota_;
  std::unique_ptr<EngineCore> core_;

  Nanoseconds spin_max_ = 0;
  Nanoseconds spin_ = 0;
  Instant spin_until_;
  Instant watched_at_;
  std::atomic<bool> stopping_{false};
  std::thread intake_;
};

}  // namespace hilo
