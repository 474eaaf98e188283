#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/heap_seal.h"
#include "base/log.h"
#include "base/spin.h"
#include "engine/cores.h"
#include "engine/state.h"

namespace hilo {

// ---- The tick

void Engine::State::tick() {
  const Instant now = monotonic_now();  // Read once: every decision here sees the same time.
  follow_control(now);                  // control thread -> clients_
  collect_finished(now);                // workers        -> queues_, completions
  drop_expired(now);                    // queues_        -> completions
  collect_submissions(now);             // channel/       -> queues_
  while (hand_out_work())               // scheduler/     -> workers
    collect_finished(now);              // (an instant backend has finished already)
  deliver_completions(now);             // completions    -> channel/ -> client/
  wait(now);
}

void Engine::State::loop() {
  const HeapSeal seal;
  while (!stopping_.load(std::memory_order_relaxed)) tick();
}

// More follows soon if it did so the last time: a client that waits awake, or encoding after
// tokenizing. Where nothing comes, the spin shrinks to almost nothing: a client that shares our
// core can only go on when we sleep.
void Engine::State::adapt_spin(Instant now) {
  if (!std::exchange(expect_more_, false)) return;
  if (now < spin_until_) spin_ = std::min(2 * spin_, spin_max_);
  spin_until_ = now + spin_;
}

// Stays awake while more is expected at once, else sleeps until a doorbell, a worker, the control
// thread, a death or a deadline.
void Engine::State::wait(Instant now) {
  adapt_spin(now);
  const bool time_to_look = now - watched_at_ >= watch_interval;
  if (time_to_look) watched_at_ = now;
  if (now < spin_until_ && !time_to_look) return spin_pause();
  if (now < spin_until_) return end_sessions_of_the_gone(watch_.wait(0), now);

  spin_ = std::min(std::max(spin_ / 2, spin_ns_min), spin_max_);
  bell_.prepare_to_sleep();
  for_each_client(live_, [&](uint32_t client) { clients_[client].session->set_need_wakeup(true); });
  uint64_t gone = 0;
  if (!work_has_arrived())
    gone = watch_.wait(std::clamp<Nanoseconds>(next_deadline(now) - now, 0, sleep_ns_max));
  else if (time_to_look)
    gone = watch_.wait(0);  // Or a client that never lets us sleep would hide who has gone.
  for_each_client(live_,
                  [&](uint32_t client) { clients_[client].session->set_need_wakeup(false); });
  bell_.awake();
  end_sessions_of_the_gone(gone, now);
}

bool Engine::State::work_has_arrived() const {
  if (stopping_.load(std::memory_order_seq_cst) || desk_.anything_adopted()) return true;
  if (desk_.drain_deadline() != drain_deadline_) return true;
  for (const auto& worker : workers_)
    if (worker->finished() != nullptr) return true;
  for (uint64_t left = live_ & ~stalled_; left != 0; left &= left - 1)
    if (clients_[static_cast<size_t>(std::countr_zero(left))].session->has_submissions())
      return true;
  return false;
}

Instant Engine::State::next_deadline(Instant now) const {
  Instant next = now < drain_deadline_ ? drain_deadline_ : never;
  for (const LaneQueues& lane : queues_)
    next = std::min({next, lane.to_tokenize.next_deadline(), lane.to_encode.next_deadline()});
  return next;
}

// ---- Beginning and end

Engine::State::State(const Backend& backend, const Tokenizer* tokenizer,
                     const EngineOptions& options)
    : backend_(backend),
      prompts_(options.prompts),
      tasks_(options.tokens_max),
      texts_{TextRing{text_ring_bytes[0]}, TextRing{text_ring_bytes[1]}} {
  const std::vector<int> cores = usable_cores(options.threads);
  // A lone core has nobody to wait for awake.
  spin_max_ = usable_cores(0).size() > 1 ? spin_ns_max : 0;
  const auto make_worker = [&](WorkerOptions worker) {
    workers_.push_back(std::make_unique<Worker>(
        worker,
        std::make_unique<PlanRunner>(backend, tokenizer, options.tokens_max, tasks_,
                                     static_cast<uint32_t>(cores.size()) - 1),
        bell_));
  };
  if (backend.instant()) {
    make_worker({.lane = Lane::high});
    make_worker({.lane = Lane::low});
  } else {
    for (const int core : cores) {
      gates_.push_back(std::make_unique<YieldGate>());
      YieldGate* const gate = gates_.back().get();
      make_worker({.lane = Lane::high, .core = core, .spin_max = spin_max_, .gate = gate});
      make_worker({.lane = Lane::low, .core = core, .gate = gate});
    }
  }
  intake_ = start_thread("hilo-intake", [this] { loop(); });
}

Engine::State::~State() {
  stopping_.store(true, std::memory_order_seq_cst);
  bell_.ring();
  intake_.join();
  for (const auto& worker : workers_) worker->stop();
  workers_.clear();  // Before the sessions, whose slots they write.
}

Engine::Engine(const Backend& backend, const Tokenizer* tokenizer, const EngineOptions& options) {
  ENSURE(options.tokens_max > 0);
  ENSURE(options.tokens_max <= tokens_per_task_max);
  for (const std::string& prompt : options.prompts) ENSURE(prompt.size() <= text_bytes_max);
  state_ = std::make_unique<State>(backend, tokenizer, options);
}

Engine::~Engine() = default;

std::vector<BudgetLine> Engine::memory_budget() const {
  size_t workers = 0;
  for (const auto& worker : state_->workers_) workers += sizeof(Worker) + worker->bytes();
  const size_t channel = client_region_bytes() + engine_region_bytes(state_->backend_.dims());
  return {
      {"tasks and queues",
       sizeof(State) + state_->tasks_.table_bytes() + 2 * lane_count * FairQueue::bytes()},
      {"texts to tokenize", state_->texts_[0].bytes() + state_->texts_[1].bytes()},
      {"token ids to encode", state_->tasks_.ids_bytes()},
      {fmt::format("{} workers", state_->workers_.size()), workers},
      {fmt::format("channels of up to {} clients", clients_max), clients_max * channel},
  };
}

// ---- The control thread's side

void Engine::adopt(std::unique_ptr<Session> session) {
  state_->desk_.adopt(std::move(session));
  state_->bell_.ring();
}

std::vector<std::unique_ptr<Session>> Engine::take_retired() {
  std::vector<std::unique_ptr<Session>> retired = state_->desk_.take_retired();
  for (const auto& session : retired)
    if (!session->violation().empty())
      log_warning(
          fmt::format("client {} was disconnected: {}", session->id(), session->violation()));
  return retired;
}

int Engine::news() const { return state_->desk_.news(); }

void Engine::drain(Instant deadline) {
  state_->desk_.drain(deadline);
  state_->bell_.ring();
}

bool Engine::drained() const { return state_->desk_.drained(); }

}  // namespace hilo
