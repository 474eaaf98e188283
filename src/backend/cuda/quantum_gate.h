// When LOW may use the GPU. What runs there cannot be stopped, so LOW comes in quanta of a few
// thousand tokens, one at a time, and none is launched while HIGH has anything to do: HIGH waits
// for at most the rest of one.
//
// HIGH without end would leave LOW nothing. So LOW is owed a share: while it waits, each token of
// HIGH earns it a part of one, and when it has earned a whole quantum it may launch that beside
// HIGH.
//
// QuantumRules decides and is pure; QuantumGate is the same for threads, which wait in it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace hilo {

class QuantumRules {
 public:
  // Of all tokens while HIGH never ends, LOW gets this share.
  explicit QuantumRules(double low_share) : earned_per_token_(low_share / (1.0 - low_share)) {}

  void high_comes() { ++high_; }
  void high_goes(uint32_t tokens) {
    --high_;
    if (low_waits_ > 0) earned_ += earned_per_token_ * tokens;
  }

  void low_waits() { ++low_waits_; }
  bool low_may_launch(uint32_t tokens) const {
    return !low_runs_ && (high_ == 0 || earned_ >= tokens);
  }
  // What it has earned is spent only where it was needed.
  void low_launches(uint32_t tokens) {
    if (high_ > 0) earned_ -= tokens;
    --low_waits_;
    low_runs_ = true;
  }
  void low_ends() { low_runs_ = false; }

 private:
  double earned_per_token_;
  double earned_ = 0.0;  // tokens
  uint32_t high_ = 0;
  uint32_t low_waits_ = 0;
  bool low_runs_ = false;
};

class QuantumGate {
 public:
  explicit QuantumGate(double low_share) : rules_(low_share) {}

  void high_comes() {
    const std::lock_guard lock(mutex_);
    rules_.high_comes();
  }
  void high_goes(uint32_t tokens) {
    const std::lock_guard lock(mutex_);
    rules_.high_goes(tokens);
    changed_.notify_all();
  }
  // Returns when a quantum may be launched.
  void low_comes(uint32_t tokens) {
    std::unique_lock lock(mutex_);
    rules_.low_waits();
    changed_.wait(lock, [&] { return rules_.low_may_launch(tokens); });
    rules_.low_launches(tokens);
  }
  void low_ends() {
    const std::lock_guard lock(mutex_);
    rules_.low_ends();
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  QuantumRules rules_;
};

}  // namespace hilo
