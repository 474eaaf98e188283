#include "base/thread_class.h"

#include <cstdint>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hilo {

namespace {

// As sched_setattr(2) takes it. Neither glibc 2.36 nor, beside <sched.h>, the kernel's headers have
// it.
struct SchedulingAttributes {
  uint32_t bytes;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t slice_ns;
  uint64_t deadline_ns;
  uint64_t period_ns;
};
static_assert(sizeof(SchedulingAttributes) == 48);

// The kernel allows nothing beyond.
constexpr uint64_t least_slice_ns = 100'000;
constexpr uint64_t greatest_slice_ns = 100'000'000;

void ask_for_slices(uint64_t slice_ns) {
  SchedulingAttributes attributes{};
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  attributes.slice_ns = slice_ns;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

bool run_only_when_idle() {
  ask_for_slices(greatest_slice_ns);  // First, because only the normal class may ask.
  const sched_param parameter{};
  return ::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &parameter) == 0;
}

void ask_for_short_slices() { ask_for_slices(least_slice_ns); }

void be_nice() { ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 19); }

}  // namespace hilo
