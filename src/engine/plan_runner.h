// Does what a plan says: texts to token ids, token ids to vectors. Each worker has its own. While
// it encodes, other workers may assist.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "base/clock.h"
#include "engine/task_table.h"
#include "scheduler/plan.h"
#include "tokenizer/tokenizer.h"

namespace hilo {

class PlanRunner {
 public:
  // For plans of one lane. Without a tokenizer, tokens are the bytes of the text. Up to
  // `assistants` others may assist.
  PlanRunner(const Backend& backend, const Tokenizer* tokenizer, uint32_t tokens_max,
             TaskTable& tasks, Lane lane, uint32_t assistants);

  // Leaves status, tokens and truncated in each task, and its ids in the table or its vector in
  // its slot. What is abandoned at the gate is cancelled.
  void run(const Plan& plan, const YieldGate& gate);

  // Called in another worker's thread, with that worker's runner: does a part of what `leader` is
  // encoding. False if there is nothing to join.
  bool assist(PlanRunner& leader);

  // How long a device was at the plan that was run last; 0 where there is none.
  Nanoseconds device_time() const { return workspace_->device_time(); }
  size_t bytes() const;

 private:
  void tokenize(TaskId id);
  bool is_computable(TaskId id) const;
  void encode(std::span<const TaskId> batch, const YieldGate& gate);
  void pack(std::span<const TaskId> batch);
  TokenBatch packed() const;
  std::span<float* const> vectors() const { return std::span{vectors_}.first(texts_); }

  const Backend& backend_;
  const Tokenizer* tokenizer_;
  TaskTable& tasks_;
  TokenizerScratch scratch_;
  std::unique_ptr<Workspace> workspace_;
  Crew crew_;
  // The batch, packed for the backend. Members of the crew read it.
  std::vector<uint32_t> ids_;
  std::vector<uint8_t> types_;  // empty where tasks have none
  std::array<uint32_t, plan_tasks_max + 1> sequence_start_{};
  std::array<uint8_t, plan_tasks_max> raw_{};
  std::array<uint32_t, plan_tasks_max> tokens_from_{};
  std::array<float*, plan_tasks_max> vectors_{};
  size_t texts_ = 0;
};

}  // namespace hilo
