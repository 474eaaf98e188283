#include "engine/worker.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/spin.h"
#include "engine/cores.h"

namespace hilo {
namespace {

// What passes this gate never stops.
const YieldGate always_open;

}  // namespace

Worker::Worker(const WorkerOptions& options, std::unique_ptr<PlanRunner> runner, Bell& bell)
    : options_(options), runner_(std::move(runner)), bell_(bell) {
  if (!options_.core) return;
  thread_ = start_thread(fmt::format("hilo-{}-{}", lane_name(options_.lane), *options_.core),
                         [this] { loop(); });
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_relaxed);
  given_.fetch_add(1, std::memory_order_seq_cst);  // Also publishes stopping_.
  given_.notify_one();
  thread_.join();
}

void Worker::give(const Plan& plan) {
  ENSURE(has_room());
  const uint32_t given = given_.load(std::memory_order_relaxed);
  mailbox_[given % mailbox_.size()] = plan;
  // Sequentially consistent, because notify_one() next looks whether the worker waits.
  given_.store(given + 1, std::memory_order_seq_cst);
  if (thread_.joinable())
    given_.notify_one();
  else
    run_next(given);
}

const Plan* Worker::finished() const {
  // Partner: the store in run_next(), after the plan's tasks were written.
  if (done_.load(std::memory_order_seq_cst) == collected_) return nullptr;
  return &mailbox_[collected_ % mailbox_.size()];
}

void Worker::collect() {
  ENSURE(finished() != nullptr);
  ++collected_;
}

void Worker::loop() {
  if (!pin_to_core(*options_.core))
    log_warning(fmt::format("a {} worker could not be pinned to core {}", lane_name(options_.lane),
                            *options_.core));
  if (options_.lane == Lane::low && !run_only_when_idle())
    log_warning("LOW workers could not be put into SCHED_IDLE: HIGH will be slower beside LOW");
  for (uint32_t done = 0; wait_for_plan(done); ++done) {
    if (options_.lane == Lane::high) options_.gate->close();
    run_next(done);
    if (options_.lane == Lane::high) options_.gate->open();
    bell_.ring();
  }
}

// False: the worker is to stop.
bool Worker::wait_for_plan(uint32_t done) {
  // Partner: the store in give(), after the plan was written.
  if (options_.spin_max > 0) {
    const Instant until = monotonic_now() + options_.spin_max;
    while (given_.load(std::memory_order_acquire) == done && monotonic_now() < until) spin_pause();
  }
  given_.wait(done, std::memory_order_acquire);
  return !stopping_.load(std::memory_order_relaxed);
}

void Worker::run_next(uint32_t done) {
  const bool may_be_stopped = options_.lane == Lane::low && options_.gate != nullptr;
  runner_->run(mailbox_[done % mailbox_.size()], may_be_stopped ? *options_.gate : always_open);
  // Partner: the load in finished(). Sequentially consistent, because ring() next looks whether
  // intake sleeps.
  done_.store(done + 1, std::memory_order_seq_cst);
}

}  // namespace hilo
