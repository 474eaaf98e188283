// When LOW may use the GPU. What runs there cannot be stopped, so LOW comes in quanta of a few
// thousand tokens, and none is launched while HIGH has anything to do: HIGH waits for at most the
// rest of one.
//
// A GPU that waits for threads to wake up between two quanta idles for a good part of the time. So
// the next is launched a moment before the one that runs is expected to end:
//
//   LOW   |== quantum ==========|== quantum ==========|
//   launched                ^ launch_time before      ^ not any more, once HIGH has come
//
// HIGH without end would leave LOW nothing. So LOW is owed a share: while it waits, each token of
// HIGH earns it a part of one, and when it has earned a whole quantum it may launch that beside
// HIGH.
//
// QuantumRules decides and is pure; QuantumGate is the same for threads, which wait in it.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/clock.h"
#include "base/spin.h"

namespace hilo {

class QuantumRules {
 public:
  // From when a thread sees that it may launch until the GPU has the work, and from a quantum's end
  // until its thread knows.
  static constexpr Nanoseconds launch_time = 50 * microsecond_ns;
  static constexpr Instant unknown{INT64_MAX};

  // Of all tokens while HIGH never ends, LOW gets this share.
  explicit QuantumRules(double low_share) : earned_per_token_(low_share / (1.0 - low_share)) {}

  void high_comes() { ++high_; }
  void high_goes(uint32_t tokens) {
    --high_;
    if (low_waits_ > 0) earned_ += earned_per_token_ * tokens;
  }

  void low_waits() { ++low_waits_; }
  bool low_may_launch(uint32_t tokens, Instant now) const {
    if (high_ > 0) return low_runs_ == 0 && earned_ >= tokens;
    return low_runs_ == 0 || now >= next_launch();
  }
  // When one may be launched although one runs; `unknown` if that has to end first.
  Instant next_launch() const {
    if (high_ > 0 || low_runs_ != 1 || ends_ == unknown) return unknown;
    return ends_ + -launch_time;
  }
  // What it has earned is spent only where it was needed.
  void low_launches(uint32_t tokens, Instant now) {
    if (high_ > 0) earned_ -= tokens;
    --low_waits_;
    last_tokens_ = tokens;
    ends_ = expected_end(low_runs_ == 0 ? now : std::max(now, ends_));
    ++low_runs_;
  }
  // One that had so many tokens, and the GPU for so long.
  void low_ends(uint32_t tokens, Nanoseconds took, Instant now) {
    Nanoseconds& expected = expected_[bucket_of(tokens)];
    expected += expected == 0 ? took : (took - expected) / 4;
    --low_runs_;
    if (low_runs_ > 0) ends_ = expected_end(now);
  }

 private:
  static size_t bucket_of(uint32_t tokens) { return std::bit_width(tokens); }
  // Of the quantum that was launched last.
  Instant expected_end(Instant begins) const {
    const Nanoseconds expected = expected_[bucket_of(last_tokens_)];
    return expected == 0 ? unknown : begins + expected;
  }

  double earned_per_token_;
  double earned_ = 0.0;  // tokens
  uint32_t high_ = 0;
  uint32_t low_waits_ = 0;
  uint32_t low_runs_ = 0;  // at most two
  uint32_t last_tokens_ = 0;
  Instant ends_ = unknown;                  // the quantum that was launched last
  std::array<Nanoseconds, 33> expected_{};  // by size; 0: not yet known
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
    Instant now = monotonic_now();
    for (; !rules_.low_may_launch(tokens, now); now = monotonic_now()) wait(lock, now);
    rules_.low_launches(tokens, now);
    changed_.notify_all();  // There is a time now at which the next may be.
  }
  void low_ends(uint32_t tokens, Nanoseconds took) {
    const std::lock_guard lock(mutex_);
    rules_.low_ends(tokens, took, monotonic_now());
    changed_.notify_all();
  }

 private:
  // The kernel is late to wake a thread by about so long.
  static constexpr Nanoseconds awake_before = 100 * microsecond_ns;

  // For a change, or until shortly before the next launch; then awake.
  void wait(std::unique_lock<std::mutex>& lock, Instant now) {
    const Instant next = rules_.next_launch();
    if (next == QuantumRules::unknown) return changed_.wait(lock);
    if (next - now > awake_before) {
      const std::chrono::nanoseconds until{next.ns - awake_before};
      changed_.wait_until(lock, std::chrono::steady_clock::time_point{until});
      return;
    }
    lock.unlock();
    for (int i = 0; i < 16; ++i) spin_pause();
    lock.lock();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  QuantumRules rules_;
};

}  // namespace hilo
