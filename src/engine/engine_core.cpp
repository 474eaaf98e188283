#include "engine/engine_core.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"

namespace hilo {

EngineCore::EngineCore(const CoreOptions& options, TaskTable& tasks, std::vector<Worker*> workers)
    : options_(options),
      tasks_(tasks),
      queues_{LaneQueues{tasks.room()}, LaneQueues{tasks.room()}},
      workers_(std::move(workers)),
      plan_rules_{.policy = options_.policy,
                  .costs = costs_,
                  .to_encode_on_device =
                      options_.device ? std::optional{options_.device->plans} : std::nullopt},
      // What a device encodes is most of the work, and it does one thing after another.
      admission_(options.policy, options_.device ? 1 : cores()),
      low_turns_(options.policy, cores()),
      metrics_(options.trace) {
  for (uint32_t core = 0; core < pairs(); ++core)
    for (const Lane lane : {Lane::high, Lane::low}) {
      ENSURE(worker(lane, core).lane() == lane);
      ENSURE(worker(lane, core).core() == core);
    }
  std::span<char> memory = text_memory_.all();
  for (Client& client : clients_)
    for (TextRing& texts : client.texts) {
      texts = TextRing{memory.first(TextRing::room)};
      memory = memory.subspan(TextRing::room);
    }
}

void EngineCore::tick(Instant now) {
  cancel_all_at_the_drains_deadline(now);
  collect_finished(now);     // workers  -> queues_, completions
  drop_expired(now);         // queues_  -> completions
  collect_submissions(now);  // channel/ -> queues_
  while (hand_out_work())    // queues_  -> scheduler/ -> workers
    collect_finished(now);   // (an instant backend has finished already)
  deliver_completions();     // completions -> channel/ -> client/
}

bool EngineCore::work_has_arrived() const {
  for (const Worker* const worker : workers_)
    if (worker->finished() != nullptr) return true;
  for (uint64_t left = live_; left != 0; left &= left - 1)
    if (clients_[static_cast<size_t>(std::countr_zero(left))].session->has_submissions())
      return true;
  return false;
}

Instant EngineCore::next_deadline(Instant now) const {
  Instant next = now < drain_deadline_ ? drain_deadline_ : never;
  for (const LaneQueues& lane : queues_)
    next = std::min({next, lane.to_tokenize.next_deadline(), lane.to_encode.next_deadline()});
  for (const Worker* const worker : workers_) next = std::min(next, worker->next_deadline());
  return std::min(next, low_turns_.next_end());
}

bool EngineCore::take_expects_more() { return std::exchange(expects_more_, false); }

void EngineCore::set_need_wakeup(bool sleeping) {
  for_each_client(live_,
                  [&](uint32_t client) { clients_[client].session->set_need_wakeup(sleeping); });
}

size_t EngineCore::bytes() const {
  return sizeof(*this) - sizeof(metrics_) + tasks_.table_bytes() + queues_[0].bytes() +
         queues_[1].bytes();
}

}  // namespace hilo
