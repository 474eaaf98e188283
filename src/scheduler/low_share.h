// The least that LOW gets while HIGH would take all: an account of compute time, in
// core-nanoseconds.
//
//   what HIGH computes while LOW waits     owes LOW   share / (1 - share) of it
//   what LOW computes                      pays
//   a quantum or more is owed              LOW has a claim: one core is left to it
//
// So HIGH and the cores left to LOW together take at most 1 / (1 - share) of what HIGH takes alone,
// and LOW is never owed much more than a quantum. With no LOW work waiting nothing is owed. Plain
// data: no clock, no thread.
#pragma once

#include "base/clock.h"

namespace hilo {

class LowShare {
 public:
  LowShare(double share, Nanoseconds quantum)
      : rate_(share / (1 - share)), quantum_(static_cast<double>(quantum)) {}

  void high_computed(Nanoseconds took) { owed_ += rate_ * static_cast<double>(took); }
  void low_computed(Nanoseconds took) {
    // What LOW had long ago, while the cores were free, does not count against it.
    owed_ = owed_ - static_cast<double>(took) < -quantum_ ? -quantum_
                                                          : owed_ - static_cast<double>(took);
  }
  void nothing_waits() { owed_ = 0; }

  bool has_claim() const { return owed_ >= quantum_; }
  // A core is left to LOW for a quantum; what it did not need of that is owed again.
  void grant() { owed_ -= quantum_; }
  void take_back(Nanoseconds unused) { owed_ += static_cast<double>(unused); }

  Nanoseconds owed() const { return static_cast<Nanoseconds>(owed_); }

 private:
  double rate_;
  double quantum_;
  double owed_ = 0;
};

}  // namespace hilo
