// Time for decisions: monotonic nanoseconds, as plain integers so that simulations can make their
// own.
#pragma once

#include <compare>
#include <cstdint>
#include <ctime>

namespace hilo {

using Nanoseconds = int64_t;

inline constexpr Nanoseconds microsecond_ns = 1'000;
inline constexpr Nanoseconds millisecond_ns = 1'000'000;
inline constexpr Nanoseconds second_ns = 1'000'000'000;

// A point on CLOCK_MONOTONIC, which all processes of one machine share.
struct Instant {
  Nanoseconds ns = 0;

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Nanoseconds operator-(Instant a, Instant b) { return a.ns - b.ns; }
  friend constexpr Instant operator+(Instant a, Nanoseconds b) { return {a.ns + b}; }
};

inline Instant monotonic_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return {static_cast<Nanoseconds>(time.tv_sec) * second_ns + time.tv_nsec};
}

// What the calling thread has had of its core. Costs a system call.
inline Nanoseconds thread_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<Nanoseconds>(time.tv_sec) * second_ns + time.tv_nsec;
}

}  // namespace hilo
