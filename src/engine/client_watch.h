// Where the intake thread sleeps, and how it learns that a client has gone. One epoll set holds,
// for each client, its doorbell (wakes us, says no more), its socket (hang-up) and its pidfd
// (exit), and besides them the engine's own bell.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "channel/session.h"
#include "engine/bell.h"

namespace hilo {

class ClientWatch {
 public:
  explicit ClientWatch(const Bell& bell);

  // False: the kernel has no room to watch it.
  bool add(uint32_t client, const Session& session);
  void remove(const Session& session);

  // Waits for a ring, a death or the timeout, whichever is first. Returns the clients that have
  // gone, one bit each.
  uint64_t wait(Nanoseconds timeout);

 private:
  bool watch(int descriptor, uint32_t events, uint64_t meaning);

  UniqueFd epoll_;
};

}  // namespace hilo
