// Ctrl-C and its like ask a long run to stop where what it has written is whole; a second one ends
// the program at once.
#pragma once

#include <array>
#include <csignal>

namespace hilo {

// While one of these lives, the first SIGINT, SIGTERM or SIGHUP makes stop_requested() true. One
// at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  static constexpr std::array signals = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, signals.size()> before_{};
};

// Threads: any.
bool stop_requested();

}  // namespace hilo
