// What the intake thread owns, and the steps of its tick. Each step is a function; the files follow
// the path of a task: engine.cpp (the tick and the sleep), intake.cpp (submissions become tasks),
// dispatch.cpp (tasks go to workers and come back), clients.cpp (sessions begin and end).
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/bell.h"
#include "engine/client_watch.h"
#include "engine/control_desk.h"
#include "engine/engine.h"
#include "engine/task_table.h"
#include "engine/text_ring.h"
#include "engine/worker.h"
#include "scheduler/plan.h"

namespace hilo {

// One client in one tick, so that none holds up the others.
inline constexpr uint32_t entries_per_tick_max = 32;
inline constexpr uint32_t text_bytes_per_tick_max = 256 * 1024;

// Texts that wait to be tokenized. HIGH texts are few and short; LOW has room for the text arenas
// of many clients.
inline constexpr std::array<size_t, lane_count> text_ring_bytes{4 * 1024 * 1024, 16 * 1024 * 1024};

// How long to wait awake when something has just come, and asleep at a time.
inline constexpr Nanoseconds spin_ns_min = 5 * microsecond_ns;
inline constexpr Nanoseconds spin_ns_max = 50 * microsecond_ns;
inline constexpr Nanoseconds sleep_ns_max = 100 * millisecond_ns;
// How often a busy tick looks whether a client has gone.
inline constexpr Nanoseconds watch_interval = millisecond_ns;

// The engine's record of one client: its session, and its open tasks by slot.
struct Client {
  std::unique_ptr<Session> session;
  bool ended = false;  // It has gone or broke the protocol: finish what workers hold, then retire.
  uint32_t tasks_open = 0;
  std::array<TaskId, slots_per_client> task_of_slot;
};

struct Engine::State {
  State(const Backend& backend, const Tokenizer* tokenizer, const EngineOptions& options);
  ~State();

  // engine.cpp
  void loop();
  void tick();
  void wait(Instant now);
  bool work_has_arrived() const;
  Instant next_deadline(Instant now) const;
  void adapt_spin(Instant now);

  // clients.cpp
  void follow_control(Instant now);
  bool draining() const { return drain_deadline_ != never; }
  void begin_session(std::unique_ptr<Session> session);
  void end_session(uint32_t client, Instant now);
  void end_sessions_of_the_gone(uint64_t gone, Instant now);
  void drop_tasks_of(Client& client, CompletionStatus status, Instant now);
  void deliver_completions(Instant now);
  void retire(uint32_t client);

  // intake.cpp
  void collect_submissions(Instant now);
  void collect_from(uint32_t client, Instant now);
  bool accept(uint32_t client, const Submission& entry, Instant now);
  bool open_embed(uint32_t client, const Submission& entry, Instant now);
  std::optional<CompletionStatus> refusal_of(const Submission& entry, Instant now) const;
  void answer(Session& session, const Submission& entry, CompletionStatus status);
  void echo(Session& session, const Submission& entry);
  void cancel(Client& client, uint64_t name, Instant now);

  // dispatch.cpp
  void collect_finished(Instant now);
  void take_back(const Plan& plan, Instant now);
  void drop_expired(Instant now);
  bool hand_out_work();
  void ask_to_assist();
  Worker* least_busy(Lane lane, uint32_t& equally_busy);
  void queue_to_encode(TaskId id);
  void drop(TaskId id, CompletionStatus status, Instant now);
  void complete(TaskId id, CompletionStatus status, Instant now);
  void release_text(const Task& task);

  template <class Visit>
  void for_each_client(uint64_t clients, Visit visit) {
    for (uint64_t left = clients; left != 0; left &= left - 1)
      visit(static_cast<uint32_t>(std::countr_zero(left)));
  }

  const Backend& backend_;
  const std::vector<std::string> prompts_;
  ControlDesk desk_;
  Bell bell_;
  ClientWatch watch_{bell_};

  std::array<Client, clients_max> clients_;
  // One bit a client.
  uint64_t live_ = 0;
  uint64_t ended_ = 0;         // with tasks that workers hold
  uint64_t stalled_ = 0;       // their next text waits for room in its text ring
  uint32_t first_client_ = 0;  // whose turn it is to be collected from first

  TaskTable tasks_;
  std::array<TextRing, lane_count> texts_;
  std::array<LaneQueues, lane_count> queues_;

  std::vector<std::unique_ptr<YieldGate>> gates_;
  std::vector<std::unique_ptr<Worker>> workers_;

  bool expect_more_ = false;  // A client or a HIGH worker has brought something in this tick.
  Nanoseconds spin_max_ = 0;
  Nanoseconds spin_ = 0;
  Instant spin_until_;
  Instant watched_at_;
  Instant drain_deadline_ = never;  // as this tick saw it
  std::atomic<bool> stopping_{false};
  std::thread intake_;
};

}  // namespace hilo
