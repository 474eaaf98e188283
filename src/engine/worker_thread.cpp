#include "engine/worker_thread.h"

#include <ctime>
#include <pthread.h>
#include <sched.h>
#include <string>

#include <fmt/format.h>

#include "base/spin.h"
#include "base/thread_class.h"
#include "engine/cores.h"

namespace hilo {
namespace {

// What passes this gate never stops.
const YieldGate always_open;

Activity activity_of(const Plan& plan) {
  if (plan.empty()) return Activity::assist;
  return plan.work == Work::tokenize ? Activity::tokenize : Activity::encode;
}

}  // namespace

WorkerThread::WorkerThread(const WorkerThreadOptions& options, std::unique_ptr<PlanRunner> runner,
                           Bell& bell)
    : Worker(options.lane, options.pair),
      options_(options),
      runner_(std::move(runner)),
      bell_(bell) {
  if (!options_.has_thread) return;
  const std::string place =
      options_.core ? std::to_string(*options_.core) : fmt::format("d{}", options_.pair);
  thread_ = start_thread(fmt::format("hilo-{}-{}", lane_name(lane()), place), [this] {
    has_class_.set_value(take_class());
    loop();
    ended_.set_value();
  });
  if (options_.core) pinned_ = pin_to_core(thread_, *options_.core);
  gives_way_ = has_class_.get_future().get();
  ::pthread_getcpuclockid(thread_.native_handle(), &cpu_clock_);
}

void WorkerThread::begin_to_stop() {
  if (!thread_.joinable() || stopping_.exchange(true, std::memory_order_relaxed)) return;
  given_.fetch_add(1, std::memory_order_seq_cst);  // Also publishes stopping_.
  given_.notify_one();
}

bool WorkerThread::stop(Instant deadline) {
  if (!thread_.joinable()) return true;
  begin_to_stop();
  const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds{deadline.ns}};
  if (has_ended_.wait_until(until) != std::future_status::ready) return false;
  thread_.join();
  open_gate(given_.load(std::memory_order_relaxed) - 1);  // For what it will not do any more.
  return true;
}

Nanoseconds WorkerThread::cpu_time() const {
  timespec time{};
  if (thread_.joinable()) ::clock_gettime(cpu_clock_, &time);
  return static_cast<Nanoseconds>(time.tv_sec) * second_ns + time.tv_nsec;
}

// The gate closes before the worker can see the order, and opens when it goes to sleep: LOW need
// not be woken between two plans, nor before the first of them is told to be finished.
void WorkerThread::prepare_for_order() {
  if (lane() == Lane::high && options_.gate != nullptr) options_.gate->close();
}

void WorkerThread::wake(uint32_t number) {
  if (thread_.joinable())
    given_.notify_one();
  else
    run(number);
}

// False: the kernel does not allow it.
bool WorkerThread::take_class() const {
  if (lane() == Lane::high) ask_for_short_slices();
  if (lane() == Lane::high || options_.low_class == Preemption::LowClass::normal) return true;
  if (options_.low_class == Preemption::LowClass::idle) return run_only_when_idle();
  be_nice();
  return true;
}

void WorkerThread::loop() {
  for (uint32_t done = 0; wait_for_plan(done); ++done) {
    if (options_.begins != nullptr) options_.begins->ring();
    run(done);
    bell_.ring();
  }
}

// False: the worker is to stop.
bool WorkerThread::wait_for_plan(uint32_t done) {
  // Partner: the store in post(), after the plan was written.
  if (options_.spin_max > 0) {
    const Instant until = monotonic_now() + options_.spin_max;
    // Yields to the intake thread, where that was woken on this core; LOW stands at the gate.
    while (given_.load(std::memory_order_acquire) == done && monotonic_now() < until)
      ::sched_yield();
  }
  if (given_.load(std::memory_order_acquire) == done) open_gate(done);
  given_.wait(done, std::memory_order_acquire);
  return !stopping_.load(std::memory_order_relaxed);
}

void WorkerThread::open_gate(uint32_t done) {
  if (lane() != Lane::high || options_.gate == nullptr || opened_ == done) return;
  options_.gate->open(done - opened_);
  opened_ = done;
}

void WorkerThread::run(uint32_t number) {
  const bool may_be_stopped = lane() == Lane::low && options_.gate != nullptr;
  const YieldGate& gate = may_be_stopped ? *options_.gate : always_open;
  // Until it is our turn, the order has not begun. If it is abandoned, the runner says so.
  static_cast<void>(gate.pass());
  const Order& order = begin(number);
  WorkTimes times{.begun = monotonic_now(), .ended = {}};
  // The time of the thread, because a LOW worker stands at the gate or waits for its core.
  const Nanoseconds before = thread_.joinable() ? thread_time() : 0;
  if (order.leader != nullptr)
    assist(static_cast<WorkerThread&>(*order.leader), order.leaders_plan);  // All are threads.
  else
    runner_->run(order.plan, gate);
  times.ended = monotonic_now();
  if (thread_.joinable()) times.computed = thread_time() - before;
  if (is_of_device()) times.computed = runner_->device_time();
  if (options_.trace != nullptr)
    options_.trace->records.add({activity_of(order.plan), order.plan.count, times});
  finish(number, times);
}

// Awake until the leader is at that plan, which it has only just been given, or has finished it, or
// will not come to it any more.
void WorkerThread::assist(WorkerThread& leader, uint32_t plan) {
  for (SpinWait wait; leader.done_.load(std::memory_order_acquire) == plan &&
                      !leader.stopping_.load(std::memory_order_relaxed) &&
                      !runner_->assist(*leader.runner_);) {
    wait.pause();
  }
}

}  // namespace hilo
