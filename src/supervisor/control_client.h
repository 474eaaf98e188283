// How running engines are found and asked about themselves. Their sockets lie in the folder of
// channel/socket_path.h as hilo-UID-PID.control; see control_socket.h for what they are.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace hilo {

// Where this process shall answer. What engines that were killed have left there is taken away.
Result<std::string> make_way_for_control();

struct RunningEngine {
  pid_t pid;
  std::string control_path;
};
// Those of our user, by process. An engine that was started without $XDG_RUNTIME_DIR, as by cron,
// is found where there is none with it.
Result<std::vector<RunningEngine>> list_engines();

// Waits for the answer, but not long: an engine answers at once. Another user's is not asked.
Result<std::string> ask_engine(const std::string& control_path, std::string_view question);

}  // namespace hilo
