// A device in virtual time, as the engine's workers see one: batches that were launched are
// computed one after another, and nothing stops one. HIGH is launched as it comes; when LOW is, the
// rules of the real gate say. What must hold is checked from outside, on an account of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "backend/cuda/quantum_gate.h"
#include "engine/task_table.h"
#include "machine.h"
#include "rules.h"

namespace hilo::simulation {

class ScriptedDevice {
 public:
  ScriptedDevice(double low_share, TaskTable& tasks)
      : rules_(low_share), rate_(low_share / (1 - low_share)), tasks_(tasks) {}

  // The engine tells it.
  void expect_high(bool any) { any ? rules_.high_comes() : rules_.high_goes(0); }

  // A worker has begun with a batch.
  void comes(const ScriptedWorker& worker, uint32_t tokens);
  // Something has changed, or it is time: LOW may be launched.
  void launch_low(Instant now);
  Instant next_launch() const { return low_waits_.empty() ? never : rules_.next_launch(); }
  bool is_at(const ScriptedWorker& worker) const {
    return !launched_.empty() && launched_.front().worker == &worker;
  }
  // The batch that it is at has ended.
  void ends(Instant now);

  // LOW's part of a device that HIGH shares with it, of the bound: 1 is the bound.
  double low_beside_high() const { return low_beside_high_; }

 private:
  struct Batch {
    const ScriptedWorker* worker;
    uint32_t tokens;
    Instant launched{};
    bool is_high() const { return worker->lane() == Lane::high; }
  };
  int64_t low_launched_now() const {
    return std::ranges::count_if(launched_, [](const Batch& batch) { return !batch.is_high(); });
  }
  bool high_is_open() const;
  void check_launch_of_low(uint32_t tokens);
  void check_low_gets_its_share(uint32_t tokens_of_high);

  QuantumRules rules_;
  const double rate_;
  TaskTable& tasks_;
  std::deque<Batch> launched_;
  std::deque<Batch> low_waits_;

  Instant ended_;  // the batch before

  double high_computed_ = 0;  // tokens, while LOW waited
  double low_launched_ = 0;   // tokens, while HIGH was open
  double high_since_ = 0;     // tokens, since LOW waits for nothing else
  double low_beside_high_ = 0;
};

}  // namespace hilo::simulation
