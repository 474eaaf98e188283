// Every task in the engine, with room for its token ids and, where the model tells them apart,
// their types.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ensure.h"
#include "channel/session.h"
#include "engine/reserved_memory.h"
#include "engine/text_ring.h"
#include "protocol/lane.h"
#include "protocol/layout.h"
#include "scheduler/fair_queue.h"
#include "scheduler/plan.h"

namespace hilo {

class Worker;

//   absent --intake--> queued --plan--> working --finished--> queued ... --completed--> absent
// The intake thread owns a task, except that while it is working one worker reads what was set at
// intake and writes the last group.
struct Task {
  enum class Stage : uint32_t { absent, queued, working };
  Stage stage = Stage::absent;
  bool dropped = false;      // Not wanted any more; noticed when the worker has given it back.
  Worker* worker = nullptr;  // who has it, while it is working

  // Set at intake.
  uint64_t name = 0;  // the client's, for the completion
  uint32_t client = 0;
  Lane lane = Lane::high;
  Session::Slot slot{};
  Instant admitted{};
  Instant deadline = never;
  Nanoseconds work = 0;                           // predicted
  std::optional<TextRing::BlockId> text_block{};  // until it is tokenized
  std::span<const char> text{};                   // with its prompt; until it is tokenized
  uint32_t second_begins = 0;                     // in `text`, of a pair
  Input input = Input::text;
  Truncation truncation = Truncation::end;
  bool raw = false;
  uint32_t tokens_from = 0;  // 0: its vector is wanted, else those of its tokens from there on
  float* vector = nullptr;

  // Set when a worker has given it back.
  WorkTimes tokenized{};
  WorkTimes computed{};

  // Set by workers.
  CompletionStatus status = CompletionStatus::ok;
  bool truncated = false;
  uint32_t tokens = 0;
};

class TaskTable {
 public:
  explicit TaskTable(uint32_t tokens_max, uint32_t tasks = tasks_max, bool with_types = false)
      : tasks_(tasks), free_(tasks), tokens_max_(tokens_max), ids_(size_t{tasks} * tokens_max) {
    for (TaskId id = 0; id < tasks; ++id) free_[id] = tasks - 1 - id;
    if (with_types) types_.emplace(size_t{tasks} * tokens_max);
  }

  // The task that was closed last is opened first: its memory is warm.
  TaskId open(const Task& task) {
    ENSURE(!free_.empty());
    const TaskId id = free_.back();
    free_.pop_back();
    tasks_[id] = task;
    return id;
  }
  void close(TaskId id) {
    ENSURE(tasks_[id].stage != Task::Stage::absent);
    tasks_[id].stage = Task::Stage::absent;
    free_.push_back(id);  // Within the capacity it was made with.
  }

  Task& operator[](TaskId id) { return tasks_[id]; }
  std::span<uint32_t> ids(TaskId id) const {
    return ids_.all().subspan(size_t{id} * tokens_max_, tokens_max_);
  }
  // Empty where all tokens are of type 0.
  std::span<uint8_t> types(TaskId id) const {
    if (!types_) return {};
    return types_->all().subspan(size_t{id} * tokens_max_, tokens_max_);
  }
  uint32_t tokens_max() const { return tokens_max_; }
  uint32_t room() const { return static_cast<uint32_t>(tasks_.size()); }
  size_t count() const { return tasks_.size() - free_.size(); }
  size_t table_bytes() const { return tasks_.size() * (sizeof(Task) + sizeof(TaskId)); }
  bool has_types() const { return types_.has_value(); }
  size_t ids_bytes() const { return ids_.bytes() + (types_ ? types_->bytes() : 0); }

 private:
  std::vector<Task> tasks_;
  std::vector<TaskId> free_;
  uint32_t tokens_max_;
  ReservedMemory<uint32_t> ids_;
  std::optional<ReservedMemory<uint8_t>> types_;
};

}  // namespace hilo
