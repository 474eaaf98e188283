// For loops that wait a few microseconds for another core.
#pragma once

#include <cstdint>
#include <sched.h>

namespace hilo {

// Tells the core that it is waiting, so that it saves power and leaves its sibling the pipeline.
inline void spin_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// One wait for another thread, which may have lost its core to this one: after some 50 us, far more
// than such a wait takes else, the core is offered to others at every turn.
class SpinWait {
 public:
  void pause() {
    if (++turns_ < turns_before_yielding)
      spin_pause();
    else
      ::sched_yield();
  }

 private:
  static constexpr uint32_t turns_before_yielding = 1000;
  uint32_t turns_ = 0;
};

}  // namespace hilo
