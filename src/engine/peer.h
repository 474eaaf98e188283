// Who is at the other end of a session.
#pragma once

#include <string>
#include <sys/types.h>

#include "channel/session.h"

namespace hilo {

struct Peer {
  pid_t pid = 0;        // 0: unknown, as of a program in another container
  std::string program;  // its name as the kernel has it; empty if unknown
};

// Control thread. Reads /proc.
Peer peer_of(const Session& session);

}  // namespace hilo
