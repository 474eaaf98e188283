#include "engine/plan_runner.h"

#include <algorithm>

#include "base/ensure.h"
#include "engine/text_ids.h"

namespace hilo {

PlanRunner::PlanRunner(const Backend& backend, const Tokenizer* tokenizer, uint32_t tokens_max,
                       TaskTable& tasks, uint32_t assistants)
    : backend_(backend),
      tokenizer_(tokenizer),
      tasks_(tasks),
      workspace_(backend.make_workspace(plan_tokens_max(tokens_max), plan_tasks_max)),
      crew_(1 + assistants),
      ids_(plan_tokens_max(tokens_max)) {}

size_t PlanRunner::bytes() const {
  return sizeof(*this) + workspace_->bytes() + ids_.size() * sizeof(uint32_t);
}

void PlanRunner::run(const Plan& plan, const YieldGate& gate) {
  if (plan.empty()) return;  // All its tasks were taken out again.
  if (plan.work == Work::encode) return encode(plan.tasks(), gate);
  for (const TaskId id : plan.tasks()) {
    if (gate.pass())
      tokenize(id);
    else
      tasks_[id].status = CompletionStatus::cancelled;
  }
}

void PlanRunner::tokenize(TaskId id) {
  Task& task = tasks_[id];
  const std::string_view text{task.text.data(), task.text.size()};
  if (!is_valid_utf8(text)) {
    task.status = CompletionStatus::invalid_utf8;
    return;
  }
  const std::span<uint32_t> ids = tasks_.ids(id);
  const Encoding encoding = ids_of_text(tokenizer_, text, scratch_, ids);
  task.tokens = encoding.tokens;
  task.truncated = encoding.truncated;
  // A tokenizer may know more pieces than its model has embeddings for.
  const auto known = [&](uint32_t token) { return token < backend_.vocabulary(); };
  const bool computable = std::ranges::all_of(ids.first(encoding.tokens), known);
  task.status = computable ? CompletionStatus::ok : CompletionStatus::failed;
}

void PlanRunner::encode(std::span<const TaskId> batch, const YieldGate& gate) {
  crew_.wait_until_alone();
  pack(batch);
  Crew::Member leader = crew_.open();
  const bool done = backend_.lead(packed(), *workspace_, leader, gate, vectors());
  crew_.close();
  const auto undone = gate.is_abandoned() ? CompletionStatus::cancelled : CompletionStatus::failed;
  for (const TaskId id : batch) tasks_[id].status = done ? CompletionStatus::ok : undone;
}

bool PlanRunner::assist(PlanRunner& leader) {
  std::optional<Crew::Member> member = leader.crew_.join();
  if (!member) return false;
  backend_.assist(leader.packed(), *leader.workspace_, *workspace_, *member, leader.vectors());
  leader.crew_.leave();
  return true;
}

void PlanRunner::pack(std::span<const TaskId> batch) {
  uint32_t tokens = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const Task& task = tasks_[batch[i]];
    ENSURE(tokens + task.tokens <= ids_.size());
    std::ranges::copy(tasks_.ids(batch[i]).first(task.tokens), ids_.begin() + tokens);
    vectors_[i] = task.vector;
    sequence_start_[i] = tokens;
    tokens += task.tokens;
  }
  texts_ = batch.size();
  sequence_start_[texts_] = tokens;
}

TokenBatch PlanRunner::packed() const {
  return {
      .ids = std::span{ids_}.first(sequence_start_[texts_]),
      .types = {},
      .sequence_start = std::span{sequence_start_}.first(texts_ + 1),
  };
}

}  // namespace hilo
