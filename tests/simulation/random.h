// Numbers that a seed repeats exactly, on any machine.
#pragma once

#include <cstdint>

namespace hilo::simulation {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {  // SplitMix64
    state_ += 0x9e3779b97f4a7c15;
    uint64_t bits = state_;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }
  // From `low` to `high`, both included.
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
  }
  // True once in `times`.
  bool once_in(uint64_t times) { return next() % times == 0; }
  // As likely to be twice as large as half as large.
  int64_t about(int64_t value) { return value * between(2, 8) / 4; }

 private:
  uint64_t state_;
};

}  // namespace hilo::simulation
