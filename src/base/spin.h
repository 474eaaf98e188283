// For loops that wait a few microseconds for another core.
#pragma once

namespace hilo {

// Tells the core that it is waiting, so that it saves power and leaves its sibling the pipeline.
inline void spin_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace hilo
