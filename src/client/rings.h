// The client's end of the rings: the tasks it has open, and the words and entries through which
// they travel. No system call and no allocation; the caller rings the doorbell and sleeps.
//
//   free --stage()--> open --take(), a vector--> lent --release()--> free
//                      |  \--take(), no vector-----------------------> free
//                      \--abandon()--> abandoned --take()------------> free
//
// Threads: one at a time; has_completions(), arm_futex() and completion_word() may be called from
// one more.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include <hilo/hilo.h>

#include "protocol/bounds.h"
#include "protocol/lane.h"
#include "protocol/layout.h"

namespace hilo {

class Rings {
 public:
  Rings(ClientRegion& client, const EngineRegion& engine, uint32_t dims);

  struct Order {
    Opcode opcode = Opcode::embed;
    uint32_t lane = 0;
    uint64_t deadline_ns = 0;
    uint32_t prompt = 0;
    Input input = Input::text;
    Truncation truncation = Truncation::end;
    bool raw = false;
    uint32_t tokens_from = 0;  // not 0: vectors of tokens, for which nothing else may be open
  };
  struct Text {
    std::string_view first;
    std::string_view second{};  // of a pair
    size_t bytes() const { return first.size() + second.size(); }
  };
  // Writes one submission and its text where the engine will see them after publish(). HILO_FULL:
  // no task, entry or text space is left, a task has the room of all or wants it and is not alone,
  // or the texts that are open in this lane are as many bytes as the engine has room for. The text
  // is at most text_bytes_max long.
  hilo_status stage(const Order& order, const Text& text, hilo_task* task);
  // True: the engine sleeps, so ring its doorbell.
  [[nodiscard]] bool publish();

  // Takes the oldest completions; those of abandoned tasks vanish here.
  size_t take(std::span<hilo_result> results);
  // Stages a release and publishes it: the engine need not wake for it.
  hilo_status release(hilo_task task);
  // Stages a cancellation, once for each task.
  hilo_status cancel(hilo_task task);
  // The task's result will not be asked for any more.
  void abandon(hilo_task task);
  uint32_t tasks_open() const { return tasks_open_; }            // abandoned ones excepted
  uint32_t tasks_abandoned() const { return tasks_abandoned_; }  // and not taken yet

  bool has_completions() const;
  // Says that a thread is about to sleep on completion_word(), respectively on the socket. It must
  // look at has_completions() once more before it does.
  void arm_futex();
  void arm_socket();
  const std::atomic<uint32_t>& completion_word() const { return engine_.completion_tail.value; }
  EngineState engine_state() const;
  // The engine completed a task that is not open: it is not the engine that we know.
  bool broken() const { return broken_; }

 private:
  enum class TaskState : uint32_t { free, open, lent, abandoned };
  struct TaskRecord {
    uint64_t serial;  // Counts how often the record was opened; part of the task's name.
    TaskState state;
    bool cancel_staged;
    uint32_t lane;
    uint32_t text_bytes;  // counted in text_bytes_open_ until the task completes
    uint32_t slot;        // lent
    uint32_t generation;
  };

  TaskRecord* find(hilo_task task, TaskState state);
  void free_task(hilo_task task);
  bool task_has_room(const Order& order) const;
  bool has_entry();
  bool lane_has_room(const Order& order, uint32_t bytes) const;
  bool reserve_text(uint32_t bytes, uint32_t* offset);
  void see_submission_head();
  void write_entry(const Submission& entry);
  bool write_release(uint32_t slot, uint32_t generation);
  bool settle(const Completion& completion, hilo_result& result);

  ClientRegion& client_;
  const EngineRegion& engine_;
  const std::byte* slots_memory_;
  size_t slot_stride_;

  uint32_t submission_tail_ = 0;
  uint32_t submission_head_seen_ = 0;
  uint32_t completion_head_ = 0;
  uint32_t armed_futex_ = 0;
  uint32_t armed_socket_ = 0;
  // The arena's own free-running indices; text_end_ has the arena's tail after each staged entry.
  uint32_t text_tail_ = 0;
  uint32_t text_head_ = 0;
  uint32_t tasks_open_ = 0;
  uint32_t tasks_abandoned_ = 0;
  std::array<uint32_t, lane_count> text_bytes_open_{};
  uint32_t tasks_free_ = tasks_per_client_max;
  bool one_has_all_ = false;  // The task that is not free takes the room of all others.
  bool broken_ = false;
  std::array<uint32_t, tasks_per_client_max> free_tasks_;  // A stack.
  std::array<TaskRecord, tasks_per_client_max> tasks_{};
  std::array<uint32_t, submission_entries> text_end_{};
};

}  // namespace hilo
