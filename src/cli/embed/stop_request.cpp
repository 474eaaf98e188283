#include "cli/embed/stop_request.h"

#include <atomic>

namespace hilo {
namespace {

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // A signal handler may not wait for a lock.

void request_stop(int) { requested.store(true, std::memory_order_relaxed); }

}  // namespace

StopSignals::StopSignals() {
  requested.store(false, std::memory_order_relaxed);
  struct sigaction once {};
  once.sa_handler = request_stop;
  // The next such signal finds the default action again.
  once.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  for (size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals[i], &once, &before_[i]);
    // Whoever started us with a signal ignored (nohup) wants that to stay.
    if (before_[i].sa_handler == SIG_IGN) ::sigaction(signals[i], &before_[i], nullptr);
  }
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
}

bool stop_requested() { return requested.load(std::memory_order_relaxed); }

}  // namespace hilo
