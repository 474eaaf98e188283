#include "engine/cores.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/no_signals.h"
#include "engine/cpu_quota.h"

namespace hilo {

namespace {

uint32_t cores_of_quota() {
  const auto tightest = tightest_quota();
  if (!tightest || !tightest.value()) return CPU_SETSIZE;
  const double cores = tightest.value()->quota.cores();
  return static_cast<uint32_t>(std::clamp(std::ceil(cores), 2.0, 1.0 * CPU_SETSIZE));
}

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

std::vector<int> usable_cores(uint32_t count) {
  if (count == 0) count = cores_of_quota();
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &allowed) && cores.size() < count) cores.push_back(core);
  // More cores than the set has bits for, or no such call: one worker, wherever it runs.
  if (cores.empty()) cores.push_back(0);
  return cores;
}

bool pin_to_core(std::thread& thread, int core) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  return ::pthread_setaffinity_np(thread.native_handle(), sizeof one, &one) == 0;
}

bool run_only_when_idle() {
  ask_for_slices(greatest_slice_ns);  // First, because only the normal class may ask.
  const sched_param parameter{};
  return ::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &parameter) == 0;
}

void ask_for_short_slices() { ask_for_slices(least_slice_ns); }

void be_nice() { ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 19); }

std::thread start_thread(const std::string& name, std::function<void()> body) {
  const NoSignals no_signals;
  std::thread thread{std::move(body)};
  ::pthread_setname_np(thread.native_handle(), name.c_str());
  return thread;
}

}  // namespace hilo
