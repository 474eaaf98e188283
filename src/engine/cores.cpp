#include "engine/cores.h"

#include <algorithm>
#include <cmath>
#include <pthread.h>
#include <sched.h>

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

std::thread start_thread(const std::string& name, std::function<void()> body) {
  const NoSignals no_signals;
  std::thread thread{std::move(body)};
  ::pthread_setname_np(thread.native_handle(), name.c_str());
  return thread;
}

}  // namespace hilo
