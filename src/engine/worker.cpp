#include "engine/worker.h"

#include "base/ensure.h"

namespace hilo {

void Worker::give(const Plan& plan, Instant deadline) {
  Order& order = next_order();
  order.plan = plan;
  order.deadline = deadline;
  order.leader = nullptr;
  post();
}

void Worker::ask_to_assist(Worker& leader) {
  Order& order = next_order();
  order.plan.count = 0;
  order.deadline = never;
  order.leader = &leader;
  order.leaders_plan = leader.given_.load(std::memory_order_relaxed) - 1;
  leader.order(order.leaders_plan).shared = true;
  post();
}

Worker::Order& Worker::next_order() {
  ENSURE(has_room());
  Order& next = order(given_.load(std::memory_order_relaxed));
  next.shared = false;
  next.state.store(Order::State::waiting, std::memory_order_relaxed);  // Published by post().
  return next;
}

// The order is the worker's from here on.
void Worker::post() {
  const uint32_t given = given_.load(std::memory_order_relaxed);
  prepare_for_order();
  // Sequentially consistent, because wake() next looks whether the worker waits.
  given_.store(given + 1, std::memory_order_seq_cst);
  wake(given);
}

bool Worker::leads() const {
  if (plans() == 0) return false;
  const Order& last = order(given_.load(std::memory_order_relaxed) - 1);
  return last.leader == nullptr && last.plan.work == Work::encode;
}

const Worker::Order* Worker::finished() const {
  // Partner: the store in finish(), after the plan's tasks were written.
  if (done_.load(std::memory_order_seq_cst) == collected_) return nullptr;
  return &order(collected_);
}

void Worker::collect() {
  ENSURE(finished() != nullptr);
  ++collected_;
}

Plan Worker::give_up_plan() {
  Plan plan;
  for (uint32_t number = collected_; number != given_.load(std::memory_order_relaxed); ++number) {
    Order& order = this->order(number);
    if (order.plan.empty() || !withhold(order)) continue;
    plan = order.plan;
    order.plan.count = 0;
    order.deadline = never;
    order.state.store(Order::State::waiting, std::memory_order_release);
    break;
  }
  return plan;
}

Instant Worker::next_deadline() const {
  Instant next = never;
  for (uint32_t number = collected_; number != given_.load(std::memory_order_relaxed); ++number)
    if (order(number).state.load(std::memory_order_relaxed) == Order::State::waiting)
      next = std::min(next, order(number).deadline);
  return next;
}

}  // namespace hilo
