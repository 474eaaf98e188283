// The engine without threads and without a clock: sessions, queues and workers, and the tick that
// moves tasks from one to the next. Whoever calls it says what time it is, so that a simulation
// runs the same code in time of its own.
//
// Each step of the tick is a function; the files follow the path of a task: intake.cpp (submissions
// become tasks), dispatch.cpp (tasks go to workers and come back), clients.cpp (sessions begin and
// end). Nothing allocates after the constructor.
#pragma once

#include <array>
#include <bit>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel/session.h"
#include "engine/metrics.h"
#include "engine/reserved_memory.h"
#include "engine/task_table.h"
#include "engine/text_ring.h"
#include "engine/worker.h"
#include "scheduler/admission.h"
#include "scheduler/low_turns.h"
#include "scheduler/plan.h"

namespace hilo {

// One client in one tick, so that none holds up the others.
inline constexpr uint32_t entries_per_tick_max = 32;
inline constexpr uint32_t entries_per_cancel = 8;  // Each looks through all tasks of its client.
inline constexpr uint32_t text_bytes_per_tick_max = 256 * 1024;

// Where a device encodes instead of the cores.
struct DeviceOptions {
  PlanLimits plans;                       // to encode
  uint32_t pairs = 0;                     // of workers that bring it plans
  std::function<void(bool)> expect_high;  // called when HIGH has open texts, or none any more
};

struct CoreOptions {
  std::vector<std::string> prompts;  // texts; Submission::prompt k names prompts[k - 1]
  bool scores_pairs = false;         // otherwise pairs are refused
  bool token_vectors = false;        // otherwise they are refused
  uint32_t vocabulary = 0;           // Ids that clients give must be below it.
  bool assist = false;               // workers without a plan help one that encodes
  Policy policy{};
  Trace* trace = nullptr;  // outlives the core
  std::optional<DeviceOptions> device{};
};

class EngineCore {
 public:
  // Workers read and write the tasks they are given, and outlive the core's last tick. There are a
  // HIGH and a LOW one for each core, in this order, and then as many pairs as a device has.
  EngineCore(const CoreOptions& options, TaskTable& tasks, std::vector<Worker*> workers);

  // Everything that can be done now.
  void tick(Instant now);
  // What would give another tick something to do, before `next_deadline` is reached.
  bool work_has_arrived() const;
  Instant next_deadline(Instant now) const;
  // True once after a tick in which a client or a HIGH worker brought something: more may follow.
  bool take_expects_more();
  // Tells clients whether they must ring.
  void set_need_wakeup(bool sleeping);

  // ---- Sessions. A client is known by its place, one bit in a set of clients.

  uint32_t begin_session(std::unique_ptr<Session> session);
  Session& session(uint32_t client) { return *clients_[client].session; }
  // The programs have gone.
  void end_sessions(uint64_t clients, Instant now);
  // The next session that has ended, with nothing of it in the engine; null if there is none.
  std::unique_ptr<Session> take_ended();

  // From now on nothing is admitted; from the deadline on, nothing is begun.
  void drain(Instant deadline);
  Instant drain_deadline() const { return drain_deadline_; }  // `never` while nobody has asked
  bool drained(Instant now) const;

  // Read by any thread.
  const Metrics& metrics() const { return metrics_; }

  size_t bytes() const;
  size_t text_bytes() const { return text_memory_.bytes(); }

 private:
  // The engine's record of one client: its session, and its open tasks by slot.
  struct Client {
    std::unique_ptr<Session> session;
    bool ended = false;  // Gone, or broke the protocol: finish what workers hold.
    uint32_t tasks_open = 0;
    std::array<TaskId, slots_per_client> task_of_slot;
    std::array<TextRing, lane_count> texts;  // that wait to be tokenized
  };

  // clients.cpp
  bool draining() const { return drain_deadline_ != never; }
  void end_session(uint32_t client, Instant now);
  void cancel_all_at_the_drains_deadline(Instant now);
  void drop_tasks_of(Client& client, CompletionStatus status, Instant now);
  void deliver_completions();

  // intake.cpp
  void collect_submissions(Instant now);
  void collect_from(uint32_t client, Instant now);
  void accept(uint32_t client, const Submission& entry, Instant now);
  void embed_text(uint32_t client, const Submission& entry, Instant now);
  void embed_ids(uint32_t client, const Submission& entry, Instant now);
  TaskId open_task(uint32_t client, const Submission& entry, Nanoseconds work, Instant now);
  bool read_ids(uint32_t client, const Submission& entry, TaskId id);
  Nanoseconds predicted_to_encode(Lane lane, uint32_t tokens) const;
  Nanoseconds predicted_work(Lane lane, size_t text_bytes) const;
  bool makes_sense(const Submission& entry) const;
  std::optional<CompletionStatus> refusal_of(const Submission& entry, Instant now) const;
  void answer(Session& session, const Submission& entry, CompletionStatus status,
              Nanoseconds retry_after = 0);
  void refuse(Session& session, const Submission& entry, Nanoseconds retry_after);
  void echo(Session& session, const Submission& entry);
  void cancel(Client& client, uint64_t name, Instant now);

  // dispatch.cpp
  bool hand_out_work();
  bool hand_out(Lane lane);
  void hand_out_to_device(Lane lane);
  void give(Worker& worker, const Plan& plan);
  void leave_cores_to_low();
  bool find_low_work(uint32_t core);
  bool low_wants_cores() const;
  bool may_work(Lane lane, uint32_t core) const;
  Worker* least_busy(Lane lane, uint32_t& equally_busy);
  void ask_to_assist();
  void collect_finished(Instant now);
  void account_for(const Worker& worker, const Worker::Order& order);
  void take_back(const Plan& plan, const WorkTimes& times, Instant now);
  void queue_to_encode(TaskId id);
  void drop_expired(Instant now);
  bool take_from_worker(TaskId id);
  void drop(TaskId id, CompletionStatus status, Instant now);
  void complete(TaskId id, CompletionStatus status, Instant now);
  void count_open(Lane lane, int change);
  void release_text(Task& task);

  uint32_t pairs() const { return static_cast<uint32_t>(workers_.size()) / lane_count; }
  uint32_t cores() const { return pairs() - (options_.device ? options_.device->pairs : 0); }
  // Those of the device come behind those of the cores.
  Worker& worker(Lane lane, uint32_t core) const {
    return *workers_[size_t{core} * lane_count + lane_index(lane)];
  }

  template <class Visit>
  static void for_each_client(uint64_t clients, Visit visit) {
    for (uint64_t left = clients; left != 0; left &= left - 1)
      visit(static_cast<uint32_t>(std::countr_zero(left)));
  }

  const CoreOptions options_;

  std::array<Client, clients_max> clients_;
  // One bit a client.
  uint64_t live_ = 0;
  uint64_t ended_ = 0;         // their sessions have not been taken yet
  uint32_t first_client_ = 0;  // whose turn it is to be collected from first

  TaskTable& tasks_;
  ReservedMemory<char> text_memory_{size_t{clients_max} * lane_count * TextRing::room};
  std::array<LaneQueues, lane_count> queues_;
  std::array<uint32_t, lane_count> open_{};  // tasks
  const std::vector<Worker*> workers_;

  CostModel costs_;
  const PlanRules plan_rules_;
  Admission admission_;
  LowTurns low_turns_;

  Metrics metrics_;

  bool expects_more_ = false;
  Instant drain_deadline_ = never;
};

}  // namespace hilo
