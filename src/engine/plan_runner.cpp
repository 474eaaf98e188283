#include "engine/plan_runner.h"

#include <algorithm>

#include "base/ensure.h"
#include "engine/text_ids.h"

namespace hilo {
namespace {

TextInput input_of(const Task& task) {
  const std::string_view text{task.text.data(), task.text.size()};
  const bool left = task.truncation == Truncation::start;
  if (task.input != Input::pair) return {.text = text, .truncate_left = left};
  return {.text = text.substr(0, task.second_begins),
          .second = text.substr(task.second_begins),
          .truncate_left = left};
}

uint32_t batch_tokens_max(const Backend& backend, uint32_t tokens_per_task) {
  const auto device = backend.device();
  return device ? std::max(device->tokens_max, tokens_per_task) : plan_tokens_max(tokens_per_task);
}

}  // namespace

PlanRunner::PlanRunner(const Backend& backend, const Tokenizer* tokenizer, uint32_t tokens_max,
                       TaskTable& tasks, Lane lane, uint32_t assistants)
    : backend_(backend),
      tokenizer_(tokenizer),
      tasks_(tasks),
      workspace_(
          backend.make_workspace(batch_tokens_max(backend, tokens_max), plan_tasks_max, lane)),
      crew_(1 + assistants),
      ids_(batch_tokens_max(backend, tokens_max)),
      types_(tasks.has_types() ? ids_.size() : 0) {}

size_t PlanRunner::bytes() const {
  return sizeof(*this) + workspace_->bytes() + ids_.size() * sizeof(uint32_t) + types_.size();
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
  const TextInput input = input_of(task);
  if (!is_valid_utf8(input.text) || !is_valid_utf8(input.second.value_or(std::string_view{}))) {
    task.status = CompletionStatus::invalid_utf8;
    return;
  }
  const Encoding encoding =
      ids_of_text(tokenizer_, input, scratch_, {.ids = tasks_.ids(id), .types = tasks_.types(id)});
  if (encoding.truncated && task.truncation == Truncation::refuse) {
    task.status = CompletionStatus::too_many_tokens;
    task.tokens = tasks_.tokens_max();
    return;
  }
  task.tokens = encoding.tokens;
  task.truncated = encoding.truncated;
  task.status = is_computable(id) ? CompletionStatus::ok : CompletionStatus::failed;
}

// A tokenizer may know more pieces, or write more types, than its model has embeddings for.
bool PlanRunner::is_computable(TaskId id) const {
  const uint32_t tokens = tasks_[id].tokens;
  const auto is_known = [&](uint32_t token) { return token < backend_.vocabulary(); };
  const auto has_type = [&](uint8_t type) { return type < backend_.token_types(); };
  return std::ranges::all_of(tasks_.ids(id).first(tokens), is_known) &&
         (!tasks_.has_types() || std::ranges::all_of(tasks_.types(id).first(tokens), has_type));
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
    if (tasks_.has_types())
      std::ranges::copy(tasks_.types(batch[i]).first(task.tokens), types_.begin() + tokens);
    raw_[i] = task.raw ? 1 : 0;
    tokens_from_[i] = task.tokens_from;
    vectors_[i] = task.vector;
    sequence_start_[i] = tokens;
    tokens += task.tokens;
  }
  texts_ = batch.size();
  sequence_start_[texts_] = tokens;
}

TokenBatch PlanRunner::packed() const {
  const uint32_t tokens = sequence_start_[texts_];
  return {
      .ids = std::span{ids_}.first(tokens),
      .types = std::span{types_}.first(types_.empty() ? 0 : tokens),
      .sequence_start = std::span{sequence_start_}.first(texts_ + 1),
      .raw = std::span{raw_}.first(texts_),
      .tokens_from = std::span{tokens_from_}.first(texts_),
  };
}

}  // namespace hilo
