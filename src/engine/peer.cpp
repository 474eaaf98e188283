#include "engine/peer.h"

#include <fstream>

#include <fmt/format.h>

namespace hilo {

// The kernel tells a descriptor's process in a line "Pid:  123"; -1 is one that has ended.
Peer peer_of(const Session& session) {
  Peer peer;
  std::ifstream about{fmt::format("/proc/self/fdinfo/{}", session.pidfd())};
  for (std::string word; about >> word;)
    if (word == "Pid:") about >> peer.pid;
  if (peer.pid <= 0) return {};
  std::ifstream name{fmt::format("/proc/{}/comm", peer.pid)};
  std::getline(name, peer.program);
  return peer;
}

}  // namespace hilo
