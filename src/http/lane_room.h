// How much of a lane's work this process holds, from reading a request to its response being sent:
// texts, or floats where these are what takes the memory. Beyond a limit a request is refused and
// told when there will be room, going by how fast the lane has moved lately.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/clock.h"
#include "base/ensure.h"

namespace hilo::http {

inline constexpr uint32_t retry_ms_min = 100;
inline constexpr uint32_t retry_ms_max = 60'000;

// When so much will have been answered at that rate; 0 a second is not known to move at all.
inline uint32_t retry_after_ms(size_t size, double size_per_second) {
  if (size_per_second <= 0) return 1000;
  const double ms = static_cast<double>(size) / size_per_second * 1000;
  return static_cast<uint32_t>(std::clamp(ms, double{retry_ms_min}, double{retry_ms_max}));
}

class LaneRoom {
 public:
  explicit LaneRoom(size_t size_max) : size_max_(size_max) {}

  // A request that is larger than all the room there is gets in when it is alone.
  bool take(size_t size, size_t texts) {
    if (held_ > 0 && held_ + size > size_max_) return false;
    held_ += size;
    texts_held_ += texts;
    return true;
  }
  void give_back(size_t size, size_t texts) {
    held_ -= size;
    texts_held_ -= texts;
  }
  size_t held() const { return held_; }
  size_t texts_held() const { return texts_held_; }

  void count_answered(size_t size) { answered_ += size; }
  // So much time has passed in which the lane had texts to work on: one that had none was not slow.
  void count_work(Nanoseconds time) {
    const double seconds = static_cast<double>(time) / static_cast<double>(second_ns);
    const double kept = std::max(0.0, 1 - seconds / memory_seconds);
    moved_ = kept * moved_ + static_cast<double>(std::exchange(answered_, 0));
    seconds_ = kept * seconds_ + seconds;
  }
  uint32_t retry_ms(size_t size) const {
    return retry_after_ms(held_ + size - std::min(held_ + size, size_max_), pace());
  }

 private:
  // Of the work of the last seconds, the newest of which count most.
  static constexpr double memory_seconds = 3;
  double pace() const { return seconds_ > 0 ? moved_ / seconds_ : 0; }

  size_t size_max_;
  size_t held_ = 0;
  size_t texts_held_ = 0;
  size_t answered_ = 0;  // since the last count of work
  double moved_ = 0;
  double seconds_ = 0;
};

// Room taken, given back at the end of its life.
class RoomTaken {
 public:
  RoomTaken(LaneRoom& room, size_t size, size_t texts) : room_(room), size_(size), texts_(texts) {}
  ~RoomTaken() { room_.give_back(size_, texts_); }
  RoomTaken(const RoomTaken&) = delete;
  RoomTaken& operator=(const RoomTaken&) = delete;
  // Gives back what has turned out not to be needed.
  void shrink_to(size_t size) {
    ENSURE(size <= size_);
    room_.give_back(std::exchange(size_, size) - size, 0);
  }

 private:
  LaneRoom& room_;
  size_t size_;
  size_t texts_;
};

}  // namespace hilo::http
