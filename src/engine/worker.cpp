#include "engine/worker.h"

#include "base/ensure.h"

namespace hilo {

void Worker::give(const Plan& plan) {
  Order& order = next_order();
  order.plan = plan;
  order.leader = nullptr;
  post();
}

void Worker::ask_to_assist(Worker& leader) {
  Order& order = next_order();
  order.plan.count = 0;
  order.leader = &leader;
  order.leaders_plan = leader.given_.load(std::memory_order_relaxed) - 1;
  post();
}

Worker::Order& Worker::next_order() {
  ENSURE(has_room());
  return mailbox_[given_.load(std::memory_order_relaxed) % mailbox_.size()];
}

// The order is the worker's from here on.
void Worker::post() {
  const uint32_t given = given_.load(std::memory_order_relaxed);
  // Sequentially consistent, because wake() next looks whether the worker waits.
  given_.store(given + 1, std::memory_order_seq_cst);
  wake(given);
}

bool Worker::leads() const {
  if (plans() == 0) return false;
  const Order& last = order(given_.load(std::memory_order_relaxed) - 1);
  return last.leader == nullptr && last.plan.work == Work::encode;
}

const Plan* Worker::finished() const {
  // Partner: the store in finish(), after the plan's tasks were written.
  if (done_.load(std::memory_order_seq_cst) == collected_) return nullptr;
  return &order(collected_).plan;
}

const WorkTimes& Worker::times_of_finished() const {
  ENSURE(finished() != nullptr);
  return order(collected_).times;
}

void Worker::collect() {
  ENSURE(finished() != nullptr);
  ++collected_;
}

}  // namespace hilo
