// Sessions begin and end.
#include "base/ensure.h"
#include "engine/state.h"

namespace hilo {

void Engine::State::follow_control(Instant now) {
  while (desk_.anything_adopted()) begin_session(desk_.next_adopted());
  const bool was_draining = draining();
  drain_deadline_ = desk_.drain_deadline();
  if (!draining()) return;
  if (!was_draining) {
    for_each_client(live_, [&](uint32_t client) {
      clients_[client].session->set_state(EngineState::draining);
    });
  }
  if (now < drain_deadline_) return;
  for_each_client(live_, [&](uint32_t client) {
    drop_tasks_of(clients_[client], CompletionStatus::cancelled, now);
  });
}

void Engine::State::begin_session(std::unique_ptr<Session> session) {
  const uint64_t taken = live_ | ended_;
  ENSURE(~taken != 0);  // The supervisor counts sessions, those that we have not retired included.
  const auto client = static_cast<uint32_t>(std::countr_one(taken));
  if (!watch_.add(client, *session)) {
    watch_.remove(*session);
    return desk_.retire(std::move(session));  // Which closes its socket, and so tells the client.
  }
  session->set_state(draining() ? EngineState::draining : EngineState::ready);
  clients_[client].session = std::move(session);
  clients_[client].ended = false;
  clients_[client].tasks_open = 0;
  clients_[client].task_of_slot.fill(no_task);
  live_ |= uint64_t{1} << client;
}

void Engine::State::end_sessions_of_the_gone(uint64_t gone, Instant now) {
  for_each_client(gone & live_, [&](uint32_t client) { end_session(client, now); });
}

void Engine::State::end_session(uint32_t client, Instant now) {
  const uint64_t bit = uint64_t{1} << client;
  ENSURE((live_ & bit) != 0);
  live_ &= ~bit;
  stalled_ &= ~bit;
  ended_ |= bit;
  clients_[client].ended = true;
  watch_.remove(*clients_[client].session);
  drop_tasks_of(clients_[client], CompletionStatus::cancelled, now);
}

// What waits is completed now; what workers hold, when they give it back.
void Engine::State::drop_tasks_of(Client& client, CompletionStatus status, Instant now) {
  if (client.tasks_open == 0) return;
  for (const TaskId id : client.task_of_slot)
    if (id != no_task) drop(id, status, now);
}

void Engine::State::deliver_completions(Instant now) {
  for_each_client(live_, [&](uint32_t client) { clients_[client].session->flush(); });
  for_each_client(ended_, [&](uint32_t client) {
    if (clients_[client].tasks_open == 0) retire(client);
  });
  if (draining() && !desk_.drained() && tasks_.count() == 0) {
    const bool all_answered = !work_has_arrived();
    if (all_answered || now >= drain_deadline_) desk_.set_drained();
  }
}

void Engine::State::retire(uint32_t client) {
  ended_ &= ~(uint64_t{1} << client);
  desk_.retire(std::move(clients_[client].session));
}

}  // namespace hilo
