// Starts a program as a child process that cannot outlive us, sees none of our descriptors but its
// channel, and begins with a clean signal state.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "channel/launch.h"

namespace hilo {

struct ChildSpec {
  std::vector<std::string> arguments = {};  // The first is looked up in PATH.
  // Inherited as descriptors 3 to 6, which HILO_CHANNEL names.
  const Launch* channel = nullptr;
};

// Forks and executes. The child leads a process group of its own, reads nothing on standard input,
// and is killed by the kernel when the calling thread ends; so only the thread that lives as long
// as the process may call this. Returns when the program runs, or says why it cannot.
Result<pid_t> start_child(const ChildSpec& spec);

}  // namespace hilo
