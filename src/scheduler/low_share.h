// The least that LOW gets while HIGH would take all: an account of compute time, in
// core-nanoseconds.
//
//   what HIGH computes while LOW waits     owes LOW   share / (1 - share) of it
//   what LOW computes                      pays
//   a quantum is owed                      LOW is due: it has turns until all is paid
//
// So HIGH and LOW's turns together take at most 1 / (1 - share) of what HIGH takes alone, and LOW
// is never owed much more than a quantum. With no LOW work nothing is owed. Plain data: no clock,
// no thread.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace hilo {

class LowShare {
 public:
  LowShare(double share, Nanoseconds quantum)
      : rate_(share / (1 - share)), quantum_(static_cast<double>(quantum)) {}

  void high_computed(Nanoseconds took) {
    owed_ += rate_ * static_cast<double>(took);
    due_ = due_ || owes(1);
  }
  void low_computed(Nanoseconds took) {
    // What LOW had long ago, while the cores were free, does not count against it.
    owed_ = std::max(owed_ - static_cast<double>(took), -quantum_);
    due_ = due_ && owed_ > 0;
  }
  void nothing_waits() {
    owed_ = 0;
    due_ = false;
  }

  bool due() const { return due_; }
  bool owes(uint32_t quanta) const { return owed_ >= quanta * quantum_; }
  double owed() const { return owed_; }

 private:
  double rate_;
  double quantum_;
  double owed_ = 0;
  bool due_ = false;
};

}  // namespace hilo
