#include "engine/worker_thread.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/spin.h"
#include "engine/cores.h"

namespace hilo {
namespace {

// What passes this gate never stops.
const YieldGate always_open;

}  // namespace

WorkerThread::WorkerThread(const WorkerThreadOptions& options, std::unique_ptr<PlanRunner> runner,
                           Bell& bell)
    : Worker(options.lane, options.pair),
      options_(options),
      runner_(std::move(runner)),
      bell_(bell) {
  if (!options_.core) return;
  thread_ = start_thread(fmt::format("hilo-{}-{}", lane_name(lane()), *options_.core),
                         [this] { loop(); });
}

void WorkerThread::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_relaxed);
  given_.fetch_add(1, std::memory_order_seq_cst);  // Also publishes stopping_.
  given_.notify_one();
  thread_.join();
}

void WorkerThread::wake(uint32_t number) {
  if (thread_.joinable())
    given_.notify_one();
  else
    run(number);
}

void WorkerThread::loop() {
  if (!pin_to_core(*options_.core))
    log_warning(fmt::format("a {} worker could not be pinned to core {}", lane_name(lane()),
                            *options_.core));
  if (lane() == Lane::low && !run_only_when_idle())
    log_warning("LOW workers could not be put into SCHED_IDLE: HIGH will be slower beside LOW");
  for (uint32_t done = 0; wait_for_plan(done); ++done) {
    if (lane() == Lane::high) options_.gate->close();
    run(done);
    if (lane() == Lane::high) options_.gate->open();
    bell_.ring();
  }
}

// False: the worker is to stop.
bool WorkerThread::wait_for_plan(uint32_t done) {
  // Partner: the store in post(), after the plan was written.
  if (options_.spin_max > 0) {
    const Instant until = monotonic_now() + options_.spin_max;
    while (given_.load(std::memory_order_acquire) == done && monotonic_now() < until) spin_pause();
  }
  given_.wait(done, std::memory_order_acquire);
  return !stopping_.load(std::memory_order_relaxed);
}

void WorkerThread::run(uint32_t number) {
  const Order& order = this->order(number);
  const bool may_be_stopped = lane() == Lane::low && options_.gate != nullptr;
  if (order.leader != nullptr)
    assist(static_cast<WorkerThread&>(*order.leader), order.leaders_plan);  // All are threads.
  else
    runner_->run(order.plan, may_be_stopped ? *options_.gate : always_open);
  finish(number);
}

// Awake until the leader is at that plan, which it has only just been given, or has finished it, or
// will not come to it any more.
void WorkerThread::assist(WorkerThread& leader, uint32_t plan) {
  while (leader.done_.load(std::memory_order_acquire) == plan &&
         !leader.stopping_.load(std::memory_order_relaxed) && !runner_->assist(*leader.runner_)) {
    spin_pause();
  }
}

}  // namespace hilo
