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

void Worker::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_relaxed);
  given_.fetch_add(1, std::memory_order_seq_cst);  // Also publishes stopping_.
  given_.notify_one();
  thread_.join();
}

void Worker::give(const Plan& plan) {
  ENSURE(has_room());
  const uint32_t given = given_.load(std::memory_order_relaxed);
  Order& order = mailbox_[given % mailbox_.size()];
  order.plan = plan;
  order.leader = nullptr;
  post();
}

void Worker::ask_to_assist(Worker& leader) {
  ENSURE(has_room());
  Order& order = mailbox_[given_.load(std::memory_order_relaxed) % mailbox_.size()];
  order.plan.count = 0;
  order.leader = &leader;
  order.leaders_plan = leader.given_.load(std::memory_order_relaxed) - 1;
  post();
}

bool Worker::leads() const {
  if (plans() == 0) return false;
  const Order& last = mailbox_[(given_.load(std::memory_order_relaxed) - 1) % mailbox_.size()];
  return last.leader == nullptr && last.plan.work == Work::encode;
}

// What lies in the next place of the mailbox is the worker's from here on.
void Worker::post() {
  const uint32_t given = given_.load(std::memory_order_relaxed);
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
  return &mailbox_[collected_ % mailbox_.size()].plan;
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

// Awake until the leader is at that plan, which it has only just been given, or has finished it, or
// will not come to it any more.
void Worker::assist(Worker& leader, uint32_t plan) {
  while (leader.done_.load(std::memory_order_acquire) == plan &&
         !leader.stopping_.load(std::memory_order_relaxed) && !runner_->assist(*leader.runner_)) {
    spin_pause();
  }
}

void Worker::run_next(uint32_t done) {
  const Order& order = mailbox_[done % mailbox_.size()];
  const bool may_be_stopped = options_.lane == Lane::low && options_.gate != nullptr;
  if (order.leader != nullptr)
    assist(*order.leader, order.leaders_plan);
  else
    runner_->run(order.plan, may_be_stopped ? *options_.gate : always_open);
  // Partner: the load in finished(). Sequentially consistent, because ring() next looks whether
  // intake sleeps.
  done_.store(done + 1, std::memory_order_seq_cst);
}

}  // namespace hilo
