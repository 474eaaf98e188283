#include "machine.h"

#include <algorithm>

#include "device.h"

namespace hilo::simulation {

float mark_of(uint64_t task) { return static_cast<float>(task % 65'521); }

bool is_invalid(size_t text_bytes) { return text_bytes % 97 == 13; }

uint32_t tokens_of(size_t text_bytes, uint32_t tokens_max) {
  return static_cast<uint32_t>(std::min<size_t>(text_bytes / 4 + 2, tokens_max));
}

// ---- A worker

void ScriptedWorker::begin(Instant now, const Speed& speed, Random& random) {
  const Order& order = Worker::begin(done());
  begun_ = true;
  begun_at_ = now;
  worked_ = 0;
  left_ = 0;
  if (order.plan.empty()) return;
  Nanoseconds time = speed.start;
  for (const TaskId id : order.plan.tasks()) {
    const Task& task = tasks_[id];
    time += order.plan.work == Work::encode
                ? task.tokens * speed.token
                : static_cast<Nanoseconds>(task.text.size()) * speed.byte;
  }
  time = time * random.between(80, 130) / 100;
  left_ = random.once_in(200) ? 10 * time : time;  // Now and then the machine stalls.
}

// One that assists is through when its leader is.
bool ScriptedWorker::is_through() const {
  const Order& own = order(done());
  if (own.leader != nullptr)
    return static_cast<const ScriptedWorker&>(*own.leader).done() != own.leaders_plan;
  return left_ == 0;
}

uint32_t ScriptedWorker::tokens() const {
  uint32_t tokens = 0;
  for (const TaskId id : order(done()).plan.tasks()) tokens += tasks_[id].tokens;
  return tokens;
}

bool ScriptedWorker::is_at(TaskId id) const {
  return begun_ && std::ranges::count(order(done()).plan.tasks(), id) > 0;
}

bool ScriptedWorker::tasks_in_orders_from(uint32_t number) const {
  for (; number != given(); ++number)
    if (!order(number).plan.empty()) return true;
  return false;
}

void ScriptedWorker::finish(Instant now) {
  const Plan& plan = order(done()).plan;
  for (const TaskId id : plan.tasks())
    plan.work == Work::tokenize ? tokenize(tasks_[id]) : encode(tasks_[id]);
  begun_ = false;
  Worker::finish(done(), {.begun = begun_at_, .ended = now, .computed = worked_});
}

void ScriptedWorker::tokenize(Task& task) const {
  if (is_invalid(task.text.size())) {
    task.status = CompletionStatus::invalid_utf8;
    return;
  }
  task.tokens = tokens_of(task.text.size(), tasks_.tokens_max());
  task.status = CompletionStatus::ok;
}

void ScriptedWorker::encode(Task& task) const {
  task.vector[0] = mark_of(task.name);
  task.status = CompletionStatus::ok;
}

// ---- All of them

Machine::Machine(uint32_t cores, const Speed& speed, TaskTable& tasks, ScriptedDevice* device)
    : cores_(cores), speed_(speed), device_(device) {
  for (uint32_t core = 0; core < cores + (device == nullptr ? 0 : pairs_of_device); ++core)
    for (const Lane lane : {Lane::high, Lane::low})
      workers_.push_back(std::make_unique<ScriptedWorker>(lane, core, tasks));
}

std::vector<Worker*> Machine::workers() const {
  std::vector<Worker*> all;
  all.reserve(workers_.size());
  for (const auto& worker : workers_) all.push_back(worker.get());
  return all;
}

bool Machine::runs(ScriptedWorker& worker) {
  if (is_of_device(worker)) return device_->is_at(worker);
  return worker.has_work() &&
         (worker.lane() == Lane::high || !this->worker(Lane::high, worker.core()).has_work());
}

void Machine::begin(Instant now, Random& random) {
  for (const auto& worker : workers_) {
    const bool may_begin = is_of_device(*worker) ? worker->has_work() : runs(*worker);
    if (!may_begin || worker->begun()) continue;
    worker->begin(now, speed_, random);
    if (is_of_device(*worker)) device_->comes(*worker, worker->tokens());
  }
  if (device_ != nullptr) device_->launch_low(now);
}

Instant Machine::next_end(Instant now) {
  Instant next = device_ == nullptr ? never : device_->next_launch();
  for (const auto& worker : workers_)
    if (runs(*worker) && worker->begun() && (worker->left() > 0 || worker->is_through()))
      next = std::min(next, now + worker->left());
  return next;
}

void Machine::advance(Instant from, Instant to, Computed& computed) {
  const Nanoseconds time = to - from;
  for (const auto& worker : workers_) {
    if (!runs(*worker) || !worker->begun()) continue;
    const bool high = worker->lane() == Lane::high;
    worker->work(time);
    if (is_of_device(*worker)) continue;
    (high ? computed.high : computed.low) += time;
    Nanoseconds& longest = high ? computed.longest_high : computed.longest_low;
    longest = std::max(longest, worker->worked());
  }
  for (const auto& worker : workers_) {
    if (!worker->begun() || !worker->is_through() || !runs(*worker)) continue;
    if (worker->lane() == Lane::high) computed.high_finished += worker->worked();
    if (is_of_device(*worker)) device_->ends(to);
    worker->finish(to);
  }
}

}  // namespace hilo::simulation
