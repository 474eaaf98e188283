// What the engine counts, by lane and by client, since it began.
//
// Threads: the tick writes, or for stops at a gate the worker that stopped; any thread reads at the
// same time, without a lock. Numbers that are read together need not be of the same moment.
// Recording costs a few nanoseconds and never allocates.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "backend/yield_gate.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "engine/oldest_first.h"
#include "engine/task_table.h"
#include "engine/trace.h"
#include "protocol/lane.h"
#include "protocol/layout.h"
#include "scheduler/plan.h"

namespace hilo {

// The stages of a text that was computed, one after the other, and the whole way. Each ends where
// the next begins.
//   intake    taken out of the client's ring ... a worker begins to tokenize it
//   tokenize  ... the plan it was tokenized with is done; token ids have neither of the two
//   queue     ... a worker begins to compute it
//   compute   ... the batch it was computed with is done
//   deliver   ... its completion is posted
enum class Stage : uint32_t { intake, tokenize, queue, compute, deliver, whole };
inline constexpr std::array<const char*, 6> stage_names{"intake",  "tokenize", "queue",
                                                        "compute", "deliver",  "whole"};

// Where the first five stages begin, and the last of them ends. A worker that is quick may be done
// after `completed`, which is when the tick began.
inline std::array<Instant, 6> stage_bounds(Instant admitted, const WorkTimes& tokenized,
                                           const WorkTimes& computed, Instant completed) {
  return {admitted,       tokenized.begun, tokenized.ended,
          computed.begun, computed.ended,  std::max(completed, computed.ended)};
}

inline constexpr std::array<const char*, 11> completion_names{
    "ok",        "text_too_long",   "invalid_utf8",  "invalid_entry",
    "cancelled", "expired",         "shutting_down", "refused",
    "failed",    "too_many_tokens", "unknown_id"};
static_assert(completion_names.size() == static_cast<size_t>(CompletionStatus::unknown_id) + 1);

struct LaneMetrics {
  Counter admitted;
  std::array<Counter, completion_names.size()> completed;
  Counter refused_at_once;     // of `completed`: never admitted
  Counter tokens;              // of texts that were computed
  Counter waiting;             // for a worker, now
  Counter oldest_admitted_ns;  // of those that are open; 0 if there are none
  Counter batches;
  Counter device_ns;  // how long a device was at them
  Histogram batch_texts;
  Histogram batch_tokens;
  std::array<Histogram, stage_names.size()> stage_ns;
};

// Of the session that has the client's place now.
struct ClientMetrics {
  Counter session;  // its id + 1; 0 while there is none
  Counter open;
  Counter texts;  // computed
  Counter tokens;
};

// How long a LOW worker stood at its gate, each time; counted by the worker.
class StopMeter final : public GateWatcher {
 public:
  explicit StopMeter(WorkerTrace* trace) : trace_(trace) {}
  void stopped(Instant from, Instant until) override;
  const Histogram& stop_ns() const { return stop_ns_; }

 private:
  Histogram stop_ns_;
  WorkerTrace* const trace_;
};

class Metrics {
 public:
  explicit Metrics(Trace* trace = nullptr) : trace_(trace) {}

  // ---- The tick

  void begin_session(uint32_t client, uint64_t session_id);
  void end_session(uint32_t client) { clients_[client].session.set(0); }
  void admitted(TaskId id, const Task& task);
  void refused(Lane lane, CompletionStatus status);
  void echoed() { echoes_.add(1); }
  void handed_out(Lane lane, uint32_t texts) { subtract(of(lane).waiting, texts); }
  void waits_again(Lane lane) { of(lane).waiting.add(1); }
  // Without a device, which had no time of it.
  void computed(const Plan& plan, uint32_t tokens, Nanoseconds device_time);
  // The task is as it was while it was open.
  void completed(TaskId id, const Task& task, CompletionStatus status, Instant now);

  // ---- Anybody

  const LaneMetrics& lane(Lane lane) const { return lanes_[lane_index(lane)]; }
  std::span<const ClientMetrics> clients() const { return clients_; }
  size_t bytes() const { return sizeof(*this) + lane_count * open_[0].bytes(); }
  uint64_t echoes() const { return echoes_.get(); }

 private:
  LaneMetrics& of(Lane lane) { return lanes_[lane_index(lane)]; }
  static void subtract(Counter& counter, uint64_t amount) { counter.set(counter.get() - amount); }
  void tell_oldest(Lane lane);
  void record_stages(const Task& task, Instant now);

  std::array<LaneMetrics, lane_count> lanes_;
  std::array<ClientMetrics, clients_max> clients_;
  Counter echoes_;
  std::array<OldestFirst, lane_count> open_;
  Trace* const trace_;
};

}  // namespace hilo
