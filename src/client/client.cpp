#include "client/client.h"

#include <ctime>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace hilo;

constexpr Nanoseconds look_interval = 50 * millisecond_ns;

// Costs less than monotonic_now() and is exact enough to decide when to look at the socket again.
Instant coarse_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return {static_cast<Nanoseconds>(time.tv_sec) * second_ns + time.tv_nsec};
}

}  // namespace

hilo_client::hilo_client(hilo::OpenChannel open, hilo::ForkGuard guard)
    : channel(std::move(open)),
      fork_guard(std::move(guard)),
      rings(*static_cast<ClientRegion*>(channel.client_region.data()),
            *static_cast<const EngineRegion*>(channel.engine_region.data()), channel.dims),
      info(read_engine_info(*static_cast<const EngineRegion*>(channel.engine_region.data()))),
      spin_ns(longest_spin()) {}

// A forked child does not have the regions: something else may be mapped at their addresses.
hilo_client::~hilo_client() {
  if (!fork_guard.forked()) {
    // Closing alone would not end the session while a forked child holds the socket, too.
    ::shutdown(channel.socket.get(), SHUT_RDWR);
    return;
  }
  channel.client_region.abandon();
  channel.engine_region.abandon();
}

hilo_status hilo_client::usable() const {
  if (fork_guard.forked()) return HILO_FORKED;
  if (gone.load(std::memory_order_relaxed)) return HILO_ENGINE_GONE;
  return rings.broken() ? HILO_PROTOCOL : HILO_OK;
}

bool hilo_client::engine_is_gone() {
  if (gone.load(std::memory_order_relaxed)) return true;
  bool is_gone = rings.engine_state() == EngineState::gone;
  if (!is_gone) {
    pollfd hang_up{.fd = channel.socket.get(), .events = POLLRDHUP, .revents = 0};
    is_gone = ::poll(&hang_up, 1, 0) == 1;
  }
  if (is_gone) gone.store(true, std::memory_order_relaxed);
  return is_gone;
}

// Fails only if the counter is full; then the engine has a ring to answer already.
void hilo_client::ring() const { static_cast<void>(::eventfd_write(channel.doorbell.get(), 1)); }

namespace hilo {

hilo_status nothing_taken(hilo_client& client) {
  const Instant now = coarse_now();
  const bool certain = client.rings.engine_state() == EngineState::gone;
  if (!certain && now - client.looked_at < look_interval) return HILO_EMPTY;
  client.looked_at = now;
  if (!client.engine_is_gone()) return HILO_EMPTY;
  // What the engine posted before its end is still there, and counts.
  return client.rings.has_completions() ? HILO_OK : HILO_ENGINE_GONE;
}

}  // namespace hilo
