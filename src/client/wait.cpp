// Waiting for completions: spin for as long as that has paid off lately, then sleep in slices. Each
// slice ends with a look at the socket, because a killed engine wakes nobody.
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "client/client.h"

namespace hilo {
namespace {

constexpr Nanoseconds slice_max = 50 * millisecond_ns;
// Also the least, so that a client finds out when its engine has become quick again.
constexpr Nanoseconds spin_min = 10 * microsecond_ns;
constexpr Nanoseconds spin_max = 50 * microsecond_ns;

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Spinning pays when the engine answers within microseconds. Where it computes for milliseconds the
// budget shrinks to almost nothing, and the core is left to those who have work.
bool spin_for_completion(hilo_client& client, Instant now) {
  const Instant end = now + client.spin_ns;
  if (client.spin_ns == 0) return false;
  while (monotonic_now() < end) {
    if (client.rings.has_completions()) {
      client.spin_ns = std::min(client.spin_ns * 2, spin_max);
      return true;
    }
    pause_briefly();
  }
  client.spin_ns = std::max(client.spin_ns / 2, spin_min);
  return false;
}

// Sleeps while the completion tail is what it was. Spurious returns are fine.
bool sleep_on(const std::atomic<uint32_t>& word, uint32_t seen, Nanoseconds at_most) {
  const timespec timeout{.tv_sec = at_most / second_ns, .tv_nsec = at_most % second_ns};
  return ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &timeout, nullptr, 0) == 0 || errno != EINTR;
}

}  // namespace

Nanoseconds longest_spin() {
  cpu_set_t cores;
  // On a single core spinning would only keep the engine from answering.
  if (::sched_getaffinity(0, sizeof(cores), &cores) == 0 && CPU_COUNT(&cores) == 1) return 0;
  return spin_max;
}

hilo_status wait_for_completion(hilo_client& client, Instant deadline) {
  if (client.rings.has_completions()) return HILO_OK;
  Instant now = monotonic_now();
  if (now < deadline && spin_for_completion(client, now)) return HILO_OK;
  for (;;) {
    client.rings.arm_futex();
    const uint32_t seen = client.rings.completion_word().load(std::memory_order_seq_cst);
    if (client.rings.has_completions()) return HILO_OK;
    if (client.engine_is_gone()) return client.rings.has_completions() ? HILO_OK : HILO_ENGINE_GONE;
    now = monotonic_now();
    if (now >= deadline) return HILO_TIMED_OUT;
    const bool interrupted =
        !sleep_on(client.rings.completion_word(), seen, std::min(slice_max, deadline - now));
    if (client.rings.has_completions()) return HILO_OK;
    if (interrupted) return HILO_INTERRUPTED;
  }
}

}  // namespace hilo
