#include "engine/engine_threads.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/heap_seal.h"
#include "base/log.h"
#include "base/spin.h"
#include "base/thread_class.h"
#include "engine/cores.h"

namespace hilo {
namespace {

// How long to wait awake when something has just come, and asleep at a time.
constexpr Nanoseconds spin_ns_min = 5 * microsecond_ns;
constexpr Nanoseconds spin_ns_max = 50 * microsecond_ns;
constexpr Nanoseconds sleep_ns_max = 100 * millisecond_ns;
// How often a busy tick looks whether a client has gone.
constexpr Nanoseconds watch_interval = millisecond_ns;

// One batch of each lane at the device, and the next at hand.
constexpr uint32_t pairs_of_device = 2;

// A lone core has nobody to wait for awake.
Nanoseconds awake_max() { return usable_cores(0).size() > 1 ? spin_ns_max : 0; }

}  // namespace

// ---- The intake thread

void EngineThreads::loop() {
  ask_for_short_slices();
  const HeapSeal seal;
  while (!stopping_.load(std::memory_order_relaxed)) tick();
}

void EngineThreads::tick() {
  const Instant now = monotonic_now();  // Read once: every decision here sees the same time.
  follow_control(now);                  // desk_ -> core_
  core_->tick(now);
  if (now >= core_->drain_deadline()) abandon_low();
  report_to_control(now);  // core_ -> desk_
  wait(now);
}

void EngineThreads::follow_control(Instant now) {
  while (desk_.anything_adopted()) begin_session(desk_.next_adopted(), now);
  if (desk_.drain_deadline() != core_->drain_deadline()) core_->drain(desk_.drain_deadline());
}

void EngineThreads::begin_session(std::unique_ptr<Session> session, Instant now) {
  const uint32_t client = core_->begin_session(std::move(session));
  // A session that cannot be watched is closed, which tells its client.
  if (!watch_.add(client, core_->session(client))) core_->end_sessions(uint64_t{1} << client, now);
}

void EngineThreads::report_to_control(Instant now) {
  while (std::unique_ptr<Session> session = core_->take_ended()) {
    watch_.remove(*session);
    desk_.retire(std::move(session));
  }
  if (core_->drained(now) && !desk_.drained()) desk_.set_drained();
}

// More follows soon if it did so the last time: a client that waits awake, or encoding after
// tokenizing. Where nothing comes, the spin shrinks to almost nothing: a client that shares our
// core can only go on when we sleep.
void EngineThreads::adapt_spin(Instant now) {
  if (!core_->take_expects_more()) return;
  if (now < spin_until_) spin_ = std::min(2 * spin_, spin_max_);
  spin_until_ = now + spin_;
}

// Stays awake while more is expected at once, else sleeps until a doorbell, a worker, the control
// thread, a death or a deadline.
void EngineThreads::wait(Instant now) {
  adapt_spin(now);
  const bool time_to_look = now - watched_at_ >= watch_interval;
  if (time_to_look) watched_at_ = now;
  if (now < spin_until_ && !time_to_look) return spin_pause();
  if (now < spin_until_) return core_->end_sessions(watch_.wait(0), now);

  spin_ = std::min(std::max(spin_ / 2, spin_ns_min), spin_max_);
  bell_.prepare_to_sleep();
  core_->set_need_wakeup(true);
  uint64_t gone = 0;
  if (!work_has_arrived())
    gone = watch_.wait(std::clamp<Nanoseconds>(core_->next_deadline(now) - now, 0, sleep_ns_max));
  else if (time_to_look)
    gone = watch_.wait(0);  // Or a client that never lets us sleep would hide who has gone.
  core_->set_need_wakeup(false);
  bell_.awake();
  core_->end_sessions(gone, now);
}

bool EngineThreads::work_has_arrived() const {
  return stopping_.load(std::memory_order_seq_cst) || desk_.anything_adopted() ||
         desk_.drain_deadline() != core_->drain_deadline() || core_->work_has_arrived();
}

// ---- Beginning and end

EngineThreads::EngineThreads(const Backend& backend, const Tokenizer* tokenizer,
                             const EngineOptions& options)
    : backend_(backend),
      tasks_(options.tokens_max, tasks_max, options.scores_pairs && backend.token_types() > 1) {
  // Where workers have threads, those need the core: on two cores, HIGH was measured to begin 45 us
  // later beside an intake thread that waits awake.
  spin_max_ = backend.instant() ? awake_max() : 0;
  make_workers(tokenizer, options);
  std::vector<Worker*> workers;
  workers.reserve(workers_.size());
  for (const auto& worker : workers_) workers.push_back(worker.get());
  core_ = std::make_unique<EngineCore>(CoreOptions{.prompts = options.prompts,
                                                   .scores_pairs = options.scores_pairs,
                                                   .token_vectors = backend.gives_token_vectors(),
                                                   .vocabulary = backend.vocabulary(),
                                                   .assist = backend.shares(),
                                                   .policy = options.policy,
                                                   .trace = options.trace,
                                                   .device = device_options()},
                                       tasks_, std::move(workers));
  intake_ = start_thread("hilo-intake", [this] { loop(); });
}

std::optional<DeviceOptions> EngineThreads::device_options() const {
  const auto device = backend_.device();
  if (!device) return std::nullopt;
  return DeviceOptions{.plans = {.cost_max = device->tokens_max,
                                 .cost_share = device->tokens_enough,
                                 .tasks_max = std::min(device->texts_max, plan_tasks_max)},
                       .pairs = pairs_of_device,
                       .expect_high = [this](bool any) { backend_.expect_high(any); }};
}

void EngineThreads::make_workers(const Tokenizer* tokenizer, const EngineOptions& options) {
  const std::vector<int> cores = usable_cores(options.threads);
  const WorkerParts parts{.tokenizer = tokenizer,
                          .options = options,
                          .assistants = static_cast<uint32_t>(cores.size()) - 1};
  if (backend_.instant()) {
    for (const Lane lane : {Lane::high, Lane::low})
      add_worker(parts, {.lane = lane, .trace = make_trace(parts, lane, "core 0")});
    return;
  }
  for (const int core : cores) add_pair(parts, core, fmt::format("core {}", workers_.size() / 2));
  for (uint32_t i = 0; i < pairs_of_device && backend_.device(); ++i)
    add_pair(parts, std::nullopt, fmt::format("device, {}", i));
  tell_what_was_not_allowed();
  keep_low_within_quota();
}

WorkerTrace* EngineThreads::make_trace(const WorkerParts& parts, Lane lane,
                                       const std::string& place) {
  if (parts.options.trace == nullptr) return nullptr;
  return &parts.options.trace->add_worker(fmt::format("{} worker of {}", lane_name(lane), place));
}

void EngineThreads::add_worker(const WorkerParts& parts, const WorkerThreadOptions& worker) {
  workers_.push_back(std::make_unique<WorkerThread>(
      worker,
      std::make_unique<PlanRunner>(backend_, parts.tokenizer, parts.options.tokens_max, tasks_,
                                   worker.lane, parts.assistants),
      bell_));
}

// A HIGH and a LOW worker. On a core they share a gate. At a device LOW's gate is for its quota and
// its end only, because the device has one of its own; and there LOW is an ordinary thread, because
// a device that waits for it idles, and it has little to do.
void EngineThreads::add_pair(const WorkerParts& parts, std::optional<int> core,
                             const std::string& place) {
  const auto pair = static_cast<uint32_t>(gates_.size());
  WorkerTrace* const high_trace = make_trace(parts, Lane::high, place);
  WorkerTrace* const low_trace = make_trace(parts, Lane::low, place);
  stop_meters_.push_back(std::make_unique<StopMeter>(low_trace));
  gates_.push_back(std::make_unique<YieldGate>(stop_meters_.back().get()));
  YieldGate* const gate = gates_.back().get();
  const Preemption& preemption = parts.options.preemption;
  add_worker(parts, {.lane = Lane::high,
                     .pair = pair,
                     .has_thread = true,
                     .core = core,
                     .spin_max = awake_max(),
                     .gate = core ? gate : nullptr,
                     .trace = high_trace});
  add_worker(parts, {.lane = Lane::low,
                     .pair = pair,
                     .has_thread = true,
                     .core = core,
                     .gate = preemption.gate ? gate : nullptr,
                     .begins = &low_begins_,
                     .low_class = core ? preemption.low_class : Preemption::LowClass::normal,
                     .trace = low_trace});
}

void EngineThreads::keep_low_within_quota() {
  QuotaKeeperOptions options;
  for (const auto& gate : gates_) options.gates.push_back(gate.get());
  options.low_spent = [this] {
    Nanoseconds spent = 0;
    for (const auto& worker : workers_)
      if (worker->lane() == Lane::low) spent += worker->cpu_time();
    return spent;
  };
  options.low_has_work = [this] {
    return std::ranges::any_of(workers_, [](const auto& worker) {
      return worker->lane() == Lane::low && worker->has_work();
    });
  };
  quota_ = std::make_unique<QuotaKeeper>(std::move(options), low_begins_);
}

void EngineThreads::tell_what_was_not_allowed() const {
  if (!std::ranges::all_of(workers_, &WorkerThread::gives_way))
    log_warning(
        "the kernel refuses SCHED_IDLE for LOW workers, so that HIGH is slower beside LOW: allow "
        "sched_setscheduler(2), which a sandbox of system calls may forbid");
  if (!std::ranges::all_of(workers_, &WorkerThread::pinned))
    log_warning(
        "the kernel refuses to pin workers to cores, so that HIGH's slowest answers are slower: "
        "allow sched_setaffinity(2)");
}

bool EngineThreads::stop(Instant deadline) {
  stopping_.store(true, std::memory_order_seq_cst);
  bell_.ring();
  if (intake_.joinable()) intake_.join();
  backend_.expect_high(false);  // Whatever was open: LOW that waits for it must end.
  quota_.reset();               // Before the workers, which it watches and may have stopped.
  abandon_low();
  for (const auto& worker : workers_) worker->begin_to_stop();
  return std::ranges::all_of(workers_, [&](const auto& worker) { return worker->stop(deadline); });
}

EngineThreads::~EngineThreads() {
  stop(never);
  workers_.clear();  // Before the sessions, whose slots they write.
}

// At the end nobody waits for a plan that may take as long as others on this machine like.
void EngineThreads::abandon_low() const {
  for (const auto& gate : gates_) gate->abandon();
}

std::vector<WorkerReport> EngineThreads::worker_reports() const {
  std::vector<WorkerReport> reports;
  for (const auto& worker : workers_) {
    const bool stops = worker->lane() == Lane::low && worker->core() < stop_meters_.size();
    reports.push_back(
        {.lane = worker->lane(),
         .core = worker->core(),
         .of_device = worker->is_of_device(),
         .cpu_time = worker->cpu_time(),
         .stop_ns = stops ? stop_meters_[worker->core()]->stop_ns().counts() : HistogramCounts{}});
  }
  return reports;
}

std::vector<BudgetLine> EngineThreads::memory_budget() const {
  size_t workers = 0;
  for (const auto& worker : workers_) workers += worker->bytes();
  const size_t channel = client_region_bytes() + engine_region_bytes(backend_.dims());
  return {
      {"tasks and queues", sizeof(*this) + core_->bytes()},
      {"metrics", core_->metrics().bytes() + stop_meters_.size() * sizeof(StopMeter)},
      {"texts to tokenize", core_->text_bytes()},
      {"token ids to encode", tasks_.ids_bytes()},
      {fmt::format("{} workers", workers_.size()), workers},
      {fmt::format("channels of up to {} clients", clients_max), clients_max * channel},
  };
}

}  // namespace hilo
