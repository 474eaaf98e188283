// Steps 2 to 6 of a task in order: cross, tokenize, schedule, compute, deliver.
//
//   intake thread    tick(): control, finished work, submissions, plans, completions; then sleeps
//   in
//                    epoll
//   workers          one HIGH and one LOW (SCHED_IDLE) a core; tokenize and encode what the tick
//                    hands them. Where a device encodes they only tokenize, and two pairs more
//                    bring it batches. None for an instant backend: the tick does it.
//   control thread   adopt(), drain(), take_retired() (see channel/session_host.h)
//
// All memory is allocated in the constructor, sized by protocol/bounds.h and the model's limits;
// memory_budget() lists it by owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "channel/session_host.h"
#include "engine/peer.h"
#include "protocol/lane.h"
#include "scheduler/policy.h"
#include "tokenizer/tokenizer.h"

namespace hilo {

class Metrics;
class Trace;

// How LOW gives way to HIGH. Anything less than all of it is for measuring what each part is worth.
struct Preemption {
  enum class LowClass { normal, nice, idle };
  LowClass low_class = LowClass::idle;  // for the kernel
  bool gate = true;                     // LOW also stops at the yield gate
};

struct EngineOptions {
  uint32_t threads = 0;              // cores to compute on; 0: all that this process may use
  uint32_t tokens_max = 0;           // tokens a text is cut to
  std::vector<std::string> prompts;  // texts; Submission::prompt k names prompts[k - 1]
  bool scores_pairs = false;         // a cross-encoder, with a tokenizer
  Preemption preemption{};
  Trace* trace = nullptr;  // for a timeline: read when the engine is gone
  Policy policy{};
};

struct BudgetLine {
  std::string owner;
  size_t bytes;
};

// What a worker has done since it began.
struct WorkerReport {
  Lane lane;
  uint32_t core;   // counts the cores of the engine, and goes on with a device's pairs of workers
  bool of_device;  // It brings batches to a device.
  Nanoseconds cpu_time;
  HistogramCounts stop_ns;  // at the gate where LOW lets HIGH pass
};

struct ClientReport {
  uint64_t session;
  Peer peer;
  LaneRights rights;
  uint64_t texts_open = 0;
  uint64_t texts = 0;  // computed
  uint64_t tokens = 0;
};

class EngineThreads;

class Engine final : public SessionHost {
 public:
  // Starts the threads; ready to adopt sessions when it returns. `backend` and `tokenizer` outlive
  // the engine. Without a tokenizer, tokens are the bytes of the text (echo and null backends).
  Engine(const Backend& backend, const Tokenizer* tokenizer, const EngineOptions& options);
  ~Engine() override;  // Stops the threads, however long it takes.

  // Stops the threads; open tasks are dropped. Drain first to finish them. False: a thread had not
  // ended by the deadline, because the kernel gives all time to others. Then neither the engine nor
  // what it uses may be destroyed before the process ends.
  bool stop(Instant deadline);

  std::vector<BudgetLine> memory_budget() const;

  const Metrics& metrics() const;
  // Control thread.
  std::vector<WorkerReport> worker_reports() const;
  std::vector<ClientReport> client_reports() const;

  void adopt(std::unique_ptr<Session> session) override;
  std::vector<std::unique_ptr<Session>> take_retired() override;
  int news() const override;
  void drain(Instant deadline) override;
  bool drained() const override;

 private:
  std::unique_ptr<EngineThreads> threads_;
  std::vector<ClientReport> clients_;  // without their numbers
};

}  // namespace hilo
