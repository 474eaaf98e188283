// What a hilo_client is: an open channel, its rings, and what the engine said of itself.
#pragma once

#include <atomic>
#include <string_view>

#include <hilo/hilo.h>

#include "base/clock.h"
#include "client/engine_info.h"
#include "client/fork_guard.h"
#include "client/opening.h"
#include "client/rings.h"

// The name is the C interface's.
struct hilo_client {
  hilo_client(hilo::OpenChannel open, hilo::ForkGuard guard);
  ~hilo_client();

  // HILO_OK, or why no call is possible: the process was forked, or the engine is gone.
  hilo_status usable() const;
  // Looks at the socket: has the engine's end been closed? Any thread.
  bool engine_is_gone();
  void ring() const;

  hilo::OpenChannel channel;
  hilo::ForkGuard fork_guard;
  hilo::Rings rings;
  hilo::EngineInfo info;
  std::atomic<bool> gone{false};  // Set by either thread, never reset.

  // Of the taking thread: when it last looked whether the engine lives.
  hilo::Instant looked_at{};
  // Of the waiting thread: how long it is worth to spin before sleeping. 0: never.
  hilo::Nanoseconds spin_ns;
};

namespace hilo {

// Sets the thread's last error and returns the status. Without a sentence: hilo_strerror()'s.
hilo_status fail(hilo_status status);
hilo_status fail(hilo_status status, std::string_view sentence);

// How long a wait may spin at first; 0 where spinning cannot help.
Nanoseconds longest_spin();

// Until a completion can be taken, at most until `deadline`.
hilo_status wait_for_completion(hilo_client& client, Instant deadline);

// Nothing can be taken: HILO_EMPTY, HILO_ENGINE_GONE, or HILO_OK if something came after all.
hilo_status nothing_taken(hilo_client& client);

}  // namespace hilo
