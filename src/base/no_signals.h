// While it lives, the calling thread takes no signals; threads that are begun meanwhile never do.
// Signals are the main thread's, which has its own way to receive them: one that reached another
// thread would end the process.
#pragma once

#include <csignal>
#include <pthread.h>

namespace hilo {

class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace hilo
