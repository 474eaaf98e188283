// Cores in virtual time. On each, a HIGH and a LOW worker carry out orders that take as long as the
// script says; LOW goes on only while HIGH has nothing to do there, as at the real gate. There may
// be a device: its workers' orders go on while it is at them.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "engine/task_table.h"
#include "engine/worker.h"
#include "random.h"

namespace hilo::simulation {

// How long work takes, which the engine does not know.
struct Speed {
  Nanoseconds token = 0;
  Nanoseconds byte = 0;
  Nanoseconds start = 0;
};

class ScriptedWorker final : public Worker {
 public:
  ScriptedWorker(Lane lane, uint32_t core, TaskTable& tasks) : Worker(lane, core), tasks_(tasks) {}

  using Given = std::function<void(const ScriptedWorker&, const Plan&)>;
  void on_given(Given given) { given_to_ = std::move(given); }

  bool begun() const { return begun_; }
  uint32_t tokens() const;  // of the order under way
  Nanoseconds left() const { return left_; }

  // Begins with its oldest order.
  void begin(Instant now, const Speed& speed, Random& random);
  // Computes for so long, at most what is left.
  void work(Nanoseconds time) {
    left_ -= std::min(time, left_);
    worked_ += time;
  }
  bool is_through() const;
  void finish(Instant now);
  Nanoseconds worked() const { return worked_; }  // on the order under way

  bool is_at(TaskId id) const;
  bool has_tasks() const { return tasks_in_orders_from(done()); }
  bool has_tasks_not_begun() const { return tasks_in_orders_from(done() + (begun_ ? 1 : 0)); }

 private:
  uint32_t given() const { return given_.load(std::memory_order_relaxed); }
  uint32_t done() const { return done_.load(std::memory_order_relaxed); }
  bool tasks_in_orders_from(uint32_t number) const;
  void wake(uint32_t number) override { given_to_(*this, order(number).plan); }
  void tokenize(Task& task) const;
  void encode(Task& task) const;

  TaskTable& tasks_;
  Given given_to_;
  bool begun_ = false;
  Instant begun_at_;
  Nanoseconds left_ = 0;
  Nanoseconds worked_ = 0;
};

// What the cores did in a stretch of time, in core-nanoseconds, and the longest single orders.
struct Computed {
  Nanoseconds high = 0;
  Nanoseconds low = 0;
  Nanoseconds high_finished = 0;  // of orders that ended
  Nanoseconds longest_high = 0;
  Nanoseconds longest_low = 0;
};

class ScriptedDevice;

class Machine {
 public:
  static constexpr uint32_t pairs_of_device = 2;

  // Without a device, null.
  Machine(uint32_t cores, const Speed& speed, TaskTable& tasks, ScriptedDevice* device);

  uint32_t cores() const { return cores_; }
  uint32_t pairs() const { return static_cast<uint32_t>(workers_.size()) / lane_count; }
  ScriptedWorker& worker(Lane lane, uint32_t core) {
    return *workers_[size_t{core} * lane_count + lane_index(lane)];
  }
  std::vector<Worker*> workers() const;

  // Workers begin with what they were given, where they may.
  void begin(Instant now, Random& random);
  // When the next order ends, if nothing else happens.
  Instant next_end(Instant now);
  void advance(Instant from, Instant to, Computed& computed);

 private:
  bool runs(ScriptedWorker& worker);
  bool is_of_device(const ScriptedWorker& worker) const { return worker.core() >= cores_; }

  const uint32_t cores_;
  Speed speed_;
  ScriptedDevice* const device_;
  std::vector<std::unique_ptr<ScriptedWorker>> workers_;
};

// The number that stands in the vector of a task, so that its client knows it for its own.
float mark_of(uint64_t task);
// What a text tells the script by its length.
bool is_invalid(size_t text_bytes);
uint32_t tokens_of(size_t text_bytes, uint32_t tokens_max);

}  // namespace hilo::simulation
