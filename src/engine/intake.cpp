// Submissions become tasks.
#include <algorithm>
#include <bit>

#include "base/ensure.h"
#include "engine/engine_core.h"

namespace hilo {
namespace {

// Of English text, in the vocabulary of BERT; for prediction only.
constexpr uint32_t bytes_per_token = 4;
constexpr uint32_t special_tokens = 2;

// A client's texts leave its room as they are tokenized, which is soon.
constexpr Nanoseconds retry_for_room = 10 * millisecond_ns;

// A lane that does not exist is refused, and counted as LOW.
Lane lane_of(const Session& session, const Submission& entry) {
  return granted_lane(session.rights(), entry.lane == 0 ? Lane::high : Lane::low);
}

// Checked by makes_sense() before anything else is done with them.
Input input_of(const Submission& entry) { return static_cast<Input>(entry.input); }
Truncation truncation_of(const Submission& entry) {
  return static_cast<Truncation>(entry.truncation);
}

uint32_t ids_in(const Submission& entry) { return entry.text_bytes / sizeof(uint32_t); }

}  // namespace

// Every client gets its turn in every tick, and each tick begins with the next one that is there,
// because the first has the best chance of being admitted.
void EngineCore::collect_submissions(Instant now) {
  const uint32_t first = first_client_;
  const uint64_t from_first = std::rotr(live_, static_cast<int>(first));
  const uint64_t after_first = std::rotr(from_first, 1);
  if (live_ != 0)
    first_client_ =
        (first + 1 + static_cast<uint32_t>(std::countr_zero(after_first))) % clients_max;
  for_each_client(from_first,
                  [&](uint32_t after) { collect_from((first + after) % clients_max, now); });
}

void EngineCore::collect_from(uint32_t client, Instant now) {
  Session& session = *clients_[client].session;
  uint32_t bytes = 0;
  uint32_t entries = 0;
  while (entries < entries_per_tick_max && bytes < text_bytes_per_tick_max) {
    Submission entry;
    switch (session.next(entry)) {
      case Session::Next::empty:
        return;
      case Session::Next::violation:
        return end_session(client, now);
      case Session::Next::entry:
        break;
    }
    accept(client, entry, now);
    session.advance();
    expects_more_ = true;
    entries += entry.opcode == Opcode::cancel ? entries_per_cancel : 1;
    bytes += std::min(entry.text_bytes, text_bytes_max);
  }
}

// Every entry is dealt with at once: what waited here would hold up what is behind it, of another
// lane perhaps.
void EngineCore::accept(uint32_t client, const Submission& entry, Instant now) {
  Session& session = *clients_[client].session;
  if (entry.opcode == Opcode::cancel) {
    return cancel(clients_[client], entry.task, now);
  }
  if (const auto refusal = refusal_of(entry, now)) {
    answer(session, entry, *refusal);
    return metrics_.refused(lane_of(session, entry), *refusal);
  }
  if (entry.opcode == Opcode::echo) return echo(session, entry);
  ENSURE(entry.opcode == Opcode::embed);
  if (input_of(entry) == Input::ids) return embed_ids(client, entry, now);
  embed_text(client, entry, now);
}

std::optional<CompletionStatus> EngineCore::refusal_of(const Submission& entry, Instant now) const {
  if (draining()) return CompletionStatus::shutting_down;
  if (entry.text_bytes > text_bytes_max) return CompletionStatus::text_too_long;
  if (entry.opcode == Opcode::echo) return std::nullopt;
  if (!makes_sense(entry)) return CompletionStatus::invalid_entry;
  if (input_of(entry) == Input::ids && truncation_of(entry) == Truncation::refuse &&
      ids_in(entry) > tasks_.tokens_max())
    return CompletionStatus::too_many_tokens;
  if (entry.deadline_ns != 0 && entry.deadline_ns <= static_cast<uint64_t>(now.ns))
    return CompletionStatus::expired;
  return std::nullopt;
}

// Of an embed: whether its fields are what they may be, and go together.
bool EngineCore::makes_sense(const Submission& entry) const {
  if (entry.lane >= lane_count || entry.prompt > options_.prompts.size() || entry.raw > 1 ||
      entry.truncation > static_cast<uint32_t>(Truncation::refuse))
    return false;
  if (entry.tokens_from > 0 && (!options_.token_vectors || entry.tokens_from > tasks_.tokens_max()))
    return false;
  switch (input_of(entry)) {
    case Input::text:
      return true;
    case Input::ids:
      return entry.prompt == 0 && entry.text_bytes > 0 && entry.text_bytes % sizeof(uint32_t) == 0;
    case Input::pair:
      return entry.prompt == 0 && entry.tokens_from == 0 && options_.scores_pairs &&
             entry.second_begins <= entry.text_bytes;
  }
  return false;
}

void EngineCore::answer(Session& session, const Submission& entry, CompletionStatus status,
                        Nanoseconds retry_after) {
  Completion completion{};
  completion.task = entry.task;
  completion.status = status;
  if (status == CompletionStatus::too_many_tokens) completion.tokens = tasks_.tokens_max();
  completion.retry_after_ms = static_cast<uint32_t>(retry_after / millisecond_ns);
  session.complete(session.open_task(), completion);
}

void EngineCore::refuse(Session& session, const Submission& entry, Nanoseconds retry_after) {
  answer(session, entry, CompletionStatus::refused, retry_after);
  metrics_.refused(lane_of(session, entry), CompletionStatus::refused);
}

void EngineCore::echo(Session& session, const Submission& entry) {
  const Session::Slot slot = session.open_task();
  const std::span<std::byte> room = session.slot_bytes(slot.index);
  Completion completion{};
  completion.task = entry.task;
  completion.tokens = entry.text_bytes;
  metrics_.echoed();
  if (entry.text_bytes > room.size())
    completion.status = CompletionStatus::text_too_long;
  else
    session.copy_text(entry, {reinterpret_cast<char*>(room.data()), room.size()});
  session.complete(slot, completion);
}

void EngineCore::embed_text(uint32_t client, const Submission& entry, Instant now) {
  Session& session = *clients_[client].session;
  const Lane lane = lane_of(session, entry);
  const std::string_view prompt =
      entry.prompt == 0 ? std::string_view{} : options_.prompts[entry.prompt - 1];
  const Nanoseconds work = predicted_work(lane, prompt.size() + entry.text_bytes);
  if (const auto retry_after = admission_.refuses(client, lane, work))
    return refuse(session, entry, *retry_after);
  TextRing& texts = clients_[client].texts[lane_index(lane)];
  const auto block = texts.take(prompt.size() + entry.text_bytes);
  if (!block) return refuse(session, entry, retry_for_room);
  std::ranges::copy(prompt, block->text.begin());
  session.copy_text(entry, block->text.subspan(prompt.size()));

  const TaskId id = open_task(client, entry, work, now);
  Task& task = tasks_[id];
  task.text_block = block->id;
  task.text = block->text;
  task.second_begins = entry.second_begins;
  queues_[lane_index(lane)].to_tokenize.push({.id = id,
                                              .client = client,
                                              .cost = static_cast<uint32_t>(block->text.size()),
                                              .deadline = task.deadline});
}

// Ids go where a worker would have written them, and wait there to be encoded.
void EngineCore::embed_ids(uint32_t client, const Submission& entry, Instant now) {
  Session& session = *clients_[client].session;
  const Lane lane = lane_of(session, entry);
  const uint32_t tokens = std::min(ids_in(entry), tasks_.tokens_max());
  const Nanoseconds work = predicted_to_encode(lane, tokens);
  if (const auto retry_after = admission_.refuses(client, lane, work))
    return refuse(session, entry, *retry_after);
  const TaskId id = open_task(client, entry, work, now);
  Task& task = tasks_[id];
  task.tokens = tokens;
  task.truncated = tokens < ids_in(entry);
  task.tokenized = {.begun = now, .ended = now};
  if (!read_ids(client, entry, id)) return complete(id, CompletionStatus::unknown_id, now);
  queues_[lane_index(lane)].to_encode.push(
      {.id = id, .client = client, .cost = tokens, .deadline = task.deadline});
}

// Copies the ids of a task that are to be encoded. False: the model does not know them all.
bool EngineCore::read_ids(uint32_t client, const Submission& entry, TaskId id) {
  const Task& task = tasks_[id];
  const auto bytes = static_cast<uint32_t>(task.tokens * sizeof(uint32_t));
  Submission kept = entry;
  kept.text_bytes = bytes;
  if (task.truncation == Truncation::start) kept.text_offset += entry.text_bytes - bytes;
  const std::span<uint32_t> ids = tasks_.ids(id).first(task.tokens);
  clients_[client].session->copy_text(kept, {reinterpret_cast<char*>(ids.data()), bytes});
  if (tasks_.has_types()) std::ranges::fill(tasks_.types(id).first(task.tokens), uint8_t{0});
  return std::ranges::all_of(ids, [&](uint32_t token) { return token < options_.vocabulary; });
}

TaskId EngineCore::open_task(uint32_t client, const Submission& entry, Nanoseconds work,
                             Instant now) {
  Session& session = *clients_[client].session;
  const Lane lane = lane_of(session, entry);
  const Session::Slot slot =
      entry.tokens_from == 0 ? session.open_task() : session.open_task_in_all_slots();
  const auto deadline_ns = std::min<uint64_t>(entry.deadline_ns, INT64_MAX);
  const TaskId id = tasks_.open({
      .stage = Task::Stage::queued,
      .name = entry.task,
      .client = client,
      .lane = lane,
      .slot = slot,
      .admitted = now,
      .deadline = deadline_ns == 0 ? never : Instant{static_cast<Nanoseconds>(deadline_ns)},
      .work = work,
      .input = input_of(entry),
      .truncation = truncation_of(entry),
      .raw = entry.raw != 0,
      .tokens_from = entry.tokens_from,
      .vector = session.slot_vector(slot.index),
  });
  clients_[client].task_of_slot[slot.index] = id;
  ++clients_[client].tasks_open;
  count_open(lane, 1);
  admission_.admitted(client, lane, work);
  metrics_.admitted(id, tasks_[id]);
  return id;
}

// Of a text that nobody has tokenized yet.
Nanoseconds EngineCore::predicted_work(Lane lane, size_t text_bytes) const {
  const auto bytes = static_cast<uint32_t>(text_bytes);
  const uint32_t tokens = std::min(bytes / bytes_per_token + special_tokens, tasks_.tokens_max());
  return costs_.predict(lane, Work::tokenize, {.total = bytes, .longest = bytes}) +
         predicted_to_encode(lane, tokens);
}

// As part of a batch that others fill up.
Nanoseconds EngineCore::predicted_to_encode(Lane lane, uint32_t tokens) const {
  const uint32_t batch = std::max(tokens, plan_rules_.limits(Work::encode, lane).cost_max);
  const Nanoseconds batch_time =
      costs_.predict(lane, Work::encode, {.total = batch, .longest = tokens});
  return batch_time / batch * tokens;
}

// A name that is not open is no error: its completion may be on the way.
void EngineCore::cancel(Client& client, uint64_t name, Instant now) {
  for (const TaskId id : client.task_of_slot)
    if (id != no_task && tasks_[id].name == name) return drop(id, CompletionStatus::cancelled, now);
}

}  // namespace hilo
