#include "client/rings.h"

#include <algorithm>
#include <bit>

namespace hilo {
namespace {

// A task's name: the serial of its record, and which record it is.
constexpr uint32_t index_bits = 8;
static_assert(tasks_per_client_max == 1U << index_bits);

constexpr hilo_task task_name(uint64_t serial, uint32_t index) {
  return serial << index_bits | index;
}
constexpr uint32_t task_index(hilo_task task) { return task & (tasks_per_client_max - 1); }

hilo_status status_of(CompletionStatus status) {
  switch (status) {
    case CompletionStatus::ok:
      return HILO_OK;
    case CompletionStatus::text_too_long:
      return HILO_TEXT_TOO_LONG;
    case CompletionStatus::invalid_utf8:
      return HILO_INVALID_UTF8;
    case CompletionStatus::invalid_entry:
      return HILO_INVALID_ARGUMENT;
    case CompletionStatus::cancelled:
      return HILO_CANCELLED;
    case CompletionStatus::expired:
      return HILO_EXPIRED;
    case CompletionStatus::shutting_down:
      return HILO_SHUTTING_DOWN;
    case CompletionStatus::refused:
      return HILO_REFUSED;
    case CompletionStatus::failed:
      return HILO_FAILED;
    case CompletionStatus::too_many_tokens:
      return HILO_TOO_MANY_TOKENS;
    case CompletionStatus::unknown_id:
      return HILO_UNKNOWN_ID;
  }
  return HILO_FAILED;
}

Completion copy_completion(const SharedEntry& shared) {
  std::array<uint64_t, 8> words;
  for (size_t i = 0; i < words.size(); ++i)
    // Partner: the engine's stores before its store of completion_tail, which we have acquired.
    words[i] = shared.words[i].load(std::memory_order_relaxed);
  return std::bit_cast<Completion>(words);
}

}  // namespace

Rings::Rings(ClientRegion& client, const EngineRegion& engine, uint32_t dims)
    : client_(client),
      engine_(engine),
      slots_memory_(reinterpret_cast<const std::byte*>(&engine) + sizeof(EngineRegion)),
      slot_stride_(slot_stride(dims)) {
  for (uint32_t i = 0; i < tasks_per_client_max; ++i) free_tasks_[i] = tasks_per_client_max - 1 - i;
}

hilo_status Rings::stage(const Order& order, const Text& text, hilo_task* task) {
  const auto bytes = static_cast<uint32_t>(text.bytes());
  uint32_t offset;
  if (!task_has_room(order) || !lane_has_room(order, bytes) || !has_entry() ||
      !reserve_text(bytes, &offset))
    return HILO_FULL;
  const uint32_t index = free_tasks_[--tasks_free_];
  one_has_all_ = order.tokens_from > 0;
  TaskRecord& record = tasks_[index];
  ++record.serial;
  record.state = TaskState::open;
  record.cancel_staged = false;
  record.lane = order.lane;
  record.text_bytes = order.opcode == Opcode::embed ? bytes : 0;
  text_bytes_open_[record.lane] += record.text_bytes;
  ++tasks_open_;
  *task = task_name(record.serial, index);
  std::ranges::copy(text.second, std::ranges::copy(text.first, client_.text.begin() + offset).out);
  write_entry(
      {.opcode = order.opcode,
       .lane = order.lane,
       .task = *task,
       .text_offset = offset,
       .text_bytes = bytes,
       .deadline_ns = order.deadline_ns,
       .prompt = order.prompt,
       .input = static_cast<uint32_t>(order.input),
       .truncation = static_cast<uint32_t>(order.truncation),
       .raw = order.raw ? 1U : 0U,
       .second_begins = order.input == Input::pair ? static_cast<uint32_t>(text.first.size()) : 0,
       .tokens_from = order.tokens_from});
  return HILO_OK;
}

bool Rings::publish() {
  // Partner: the engine's load of submission_tail after it has set need_wakeup. Sequentially
  // consistent on all four sides: either it sees this tail and stays awake, or we see that it
  // sleeps.
  client_.submission_tail.value.store(submission_tail_, std::memory_order_seq_cst);
  return engine_.need_wakeup.value.load(std::memory_order_seq_cst) != 0;
}

size_t Rings::take(std::span<hilo_result> results) {
  // Partner: the engine's store of completion_tail after it wrote completions and vectors.
  const uint32_t tail = engine_.completion_tail.value.load(std::memory_order_acquire);
  if (completion_head_ == tail) return 0;
  size_t taken = 0;
  while (completion_head_ != tail && taken < results.size()) {
    const uint32_t place = completion_head_ & (completion_entries - 1);
    const Completion completion = copy_completion(engine_.completions[place]);
    ++completion_head_;
    if (settle(completion, results[taken])) ++taken;
  }
  // Partner: the engine's load of completion_head when it looks for a free place. Release, because
  // our copies must be over before the place is used again.
  client_.completion_head.value.store(completion_head_, std::memory_order_release);
  return taken;
}

// Ends a task's stay in the engine. True: `result` is for the caller.
bool Rings::settle(const Completion& completion, hilo_result& result) {
  const bool has_vector = completion.status == CompletionStatus::ok;
  TaskRecord* const open = find(completion.task, TaskState::open);
  TaskRecord* const abandoned = find(completion.task, TaskState::abandoned);
  // Vectors that follow each other begin in the first slot, or they would end behind the last.
  const uint32_t slots = one_has_all_ ? 1 : slots_per_client;
  if ((open == nullptr && abandoned == nullptr) || (has_vector && completion.slot >= slots)) {
    broken_ = true;
    return false;
  }
  const TaskRecord& record = tasks_[task_index(completion.task)];
  text_bytes_open_[record.lane] -= record.text_bytes;
  if (abandoned != nullptr) {
    if (has_vector && !write_release(completion.slot, completion.generation)) broken_ = true;
    free_task(completion.task);
    --tasks_abandoned_;
    return false;
  }
  --tasks_open_;
  result = {.task = completion.task,
            .status = status_of(completion.status),
            .retry_after_ms = completion.retry_after_ms,
            .vector = nullptr,
            .tokens = completion.tokens,
            .truncated = completion.truncated,
            .engine_ns = completion.engine_ns};
  if (!has_vector) {
    free_task(completion.task);
    return true;
  }
  result.vector = reinterpret_cast<const float*>(slots_memory_ + completion.slot * slot_stride_);
  open->state = TaskState::lent;
  open->slot = completion.slot;
  open->generation = completion.generation;
  return true;
}

hilo_status Rings::release(hilo_task task) {
  TaskRecord* const record = find(task, TaskState::lent);
  if (record == nullptr) return HILO_INVALID_ARGUMENT;
  if (!write_release(record->slot, record->generation)) return HILO_PROTOCOL;
  free_task(task);
  return HILO_OK;
}

hilo_status Rings::cancel(hilo_task task) {
  TaskRecord* const record = find(task, TaskState::open);
  if (record == nullptr) return HILO_INVALID_ARGUMENT;
  if (record->cancel_staged) return HILO_OK;
  if (!has_entry()) return HILO_PROTOCOL;
  record->cancel_staged = true;
  write_entry({.opcode = Opcode::cancel, .task = task});
  return HILO_OK;
}

void Rings::abandon(hilo_task task) {
  TaskRecord* const record = find(task, TaskState::open);
  if (record == nullptr) return;
  record->state = TaskState::abandoned;
  --tasks_open_;
  ++tasks_abandoned_;
}

bool Rings::has_completions() const {
  // Partner: the engine's store of completion_tail, followed by its load of the armed counters. The
  // head is our own word, read from the region because the taking thread may be another one.
  const uint32_t tail = engine_.completion_tail.value.load(std::memory_order_seq_cst);
  return tail != client_.completion_head.value.load(std::memory_order_relaxed);
}

void Rings::arm_futex() {
  // Partner: the engine's load of armed_futex after its store of completion_tail.
  client_.armed_futex.value.store(++armed_futex_, std::memory_order_seq_cst);
}

void Rings::arm_socket() {
  // Partner: the engine's load of armed_socket after its store of completion_tail.
  client_.armed_socket.value.store(++armed_socket_, std::memory_order_seq_cst);
}

EngineState Rings::engine_state() const {
  // Partner: the engine's store of state.
  return static_cast<EngineState>(engine_.state.value.load(std::memory_order_acquire));
}

Rings::TaskRecord* Rings::find(hilo_task task, TaskState state) {
  TaskRecord& record = tasks_[task_index(task)];
  const bool same = record.state == state && task == task_name(record.serial, task_index(task));
  return same ? &record : nullptr;
}

void Rings::free_task(hilo_task task) {
  tasks_[task_index(task)].state = TaskState::free;
  free_tasks_[tasks_free_++] = task_index(task);
  one_has_all_ = false;
}

bool Rings::task_has_room(const Order& order) const {
  if (order.tokens_from > 0) return tasks_free_ == tasks_per_client_max;
  return tasks_free_ > 0 && !one_has_all_;
}

bool Rings::lane_has_room(const Order& order, uint32_t bytes) const {
  return order.opcode != Opcode::embed ||
         text_bytes_open_[order.lane] + bytes <= text_bytes_open_max;
}

// The engine's head is looked at only when the ring seems full: its line stays with the engine.
bool Rings::has_entry() {
  if (submission_tail_ - submission_head_seen_ < submission_entries) return true;
  see_submission_head();
  return submission_tail_ - submission_head_seen_ < submission_entries;
}

// Texts do not wrap: one that does not fit before the arena's end starts at its beginning.
bool Rings::reserve_text(uint32_t bytes, uint32_t* offset) {
  const uint32_t place = text_tail_ & (text_arena_bytes - 1);
  const uint32_t skipped = place + bytes > text_arena_bytes ? text_arena_bytes - place : 0;
  const uint32_t needed = skipped + bytes;
  if (needed > text_arena_bytes - (text_tail_ - text_head_)) see_submission_head();
  if (needed > text_arena_bytes - (text_tail_ - text_head_)) return false;
  *offset = skipped > 0 ? 0 : place;
  text_tail_ += needed;
  return true;
}

void Rings::see_submission_head() {
  // Partner: the engine's store of submission_head after it copied entries and texts out.
  const uint32_t head = engine_.submission_head.value.load(std::memory_order_acquire);
  if (head == submission_head_seen_) return;
  if (submission_tail_ - head > submission_tail_ - submission_head_seen_) {
    broken_ = true;
    return;
  }
  submission_head_seen_ = head;
  text_head_ = text_end_[(head - 1) & (submission_entries - 1)];
}

void Rings::write_entry(const Submission& entry) {
  const uint32_t place = submission_tail_ & (submission_entries - 1);
  const auto words = std::bit_cast<std::array<uint64_t, 8>>(entry);
  for (size_t i = 0; i < words.size(); ++i)
    // Partner: the engine's loads after it has acquired submission_tail, stored by publish().
    client_.submissions[place].words[i].store(words[i], std::memory_order_relaxed);
  text_end_[place] = text_tail_;
  ++submission_tail_;
}

// bounds.h gives every task room for a submission, a cancellation and a release, so only an engine
// that lost count leaves no entry free.
bool Rings::write_release(uint32_t slot, uint32_t generation) {
  if (!has_entry()) return false;
  write_entry({.opcode = Opcode::release, .slot = slot, .generation = generation});
  // Partner: the engine's load of submission_tail. It may find out whenever it looks next, so
  // nothing follows that would need this store to be sequentially consistent.
  client_.submission_tail.value.store(submission_tail_, std::memory_order_release);
  return true;
}

}  // namespace hilo
