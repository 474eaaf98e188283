// How running engines are found and asked about themselves. Their sockets lie in $XDG_RUNTIME_DIR,
// or in /tmp where there is none, as hilo-UID-PID.control; see control_socket.h for what they are.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace hilo {

std::string control_path();  // of this process

struct RunningEngine {
  pid_t pid;
  std::string control_path;
};
// Those of our user, by process. An engine that was started without $XDG_RUNTIME_DIR, as by cron,
// is found where there is none with it.
std::vector<RunningEngine> list_engines();
// Takes away what engines that were killed have left behind.
void remove_dead_controls();

// Waits for the answer, but not long: an engine answers at once.
Result<std::string> ask_engine(const std::string& control_path, std::string_view question);

}  // namespace hilo
