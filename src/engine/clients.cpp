// Sessions begin and end.
#include "base/ensure.h"
#include "engine/engine_core.h"

namespace hilo {

uint32_t EngineCore::begin_session(std::unique_ptr<Session> session) {
  const uint64_t taken = live_ | ended_;
  ENSURE(~taken != 0);  // The supervisor counts sessions, those not taken back included.
  const auto client = static_cast<uint32_t>(std::countr_one(taken));
  session->set_state(draining() ? EngineState::draining : EngineState::ready);
  clients_[client].session = std::move(session);
  clients_[client].ended = false;
  clients_[client].tasks_open = 0;
  clients_[client].task_of_slot.fill(no_task);
  for (const TextRing& texts : clients_[client].texts) ENSURE(texts.empty());
  live_ |= uint64_t{1} << client;
  metrics_.begin_session(client, clients_[client].session->id());
  return client;
}

void EngineCore::end_sessions(uint64_t clients, Instant now) {
  for_each_client(clients & live_, [&](uint32_t client) { end_session(client, now); });
}

void EngineCore::end_session(uint32_t client, Instant now) {
  const uint64_t bit = uint64_t{1} << client;
  ENSURE((live_ & bit) != 0);
  live_ &= ~bit;
  ended_ |= bit;
  clients_[client].ended = true;
  drop_tasks_of(clients_[client], CompletionStatus::cancelled, now);
}

std::unique_ptr<Session> EngineCore::take_ended() {
  for (uint64_t left = ended_; left != 0; left &= left - 1) {
    Client& client = clients_[static_cast<size_t>(std::countr_zero(left))];
    if (client.tasks_open > 0) continue;
    ended_ &= ~(left & -left);
    metrics_.end_session(static_cast<uint32_t>(std::countr_zero(left)));
    return std::move(client.session);
  }
  return nullptr;
}

// What waits is completed now; what workers hold, when they give it back.
void EngineCore::drop_tasks_of(Client& client, CompletionStatus status, Instant now) {
  if (client.tasks_open == 0) return;
  for (const TaskId id : client.task_of_slot)
    if (id != no_task) drop(id, status, now);
}

void EngineCore::deliver_completions() {
  for_each_client(live_, [&](uint32_t client) { clients_[client].session->flush(); });
}

// ---- Draining

void EngineCore::drain(Instant deadline) {
  ENSURE(deadline != never);
  drain_deadline_ = deadline;
  for_each_client(
      live_, [&](uint32_t client) { clients_[client].session->set_state(EngineState::draining); });
}

void EngineCore::cancel_all_at_the_drains_deadline(Instant now) {
  if (now < drain_deadline_) return;
  for_each_client(live_, [&](uint32_t client) {
    drop_tasks_of(clients_[client], CompletionStatus::cancelled, now);
  });
}

bool EngineCore::drained(Instant now) const {
  if (!draining() || tasks_.count() > 0) return false;
  return now >= drain_deadline_ || !work_has_arrived();  // All submissions are answered.
}

}  // namespace hilo
