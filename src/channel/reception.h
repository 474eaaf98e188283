// Where programs become clients. A connection or a launched program enters; a session whose regions
// are mapped, sealed and ready for SessionHost::adopt() leaves:
//
//   Listener or receive()   Hello -> rights and room checked -> Session made -> Welcome -> Mapped
//   expect()                                                       (Welcome was sent) -> Mapped
//                                                     -> C-region sealed -> out of advance()
//
// A program that never finishes its handshake holds one of `handshakes_max` places until
// `handshake_wait_max`; a launched program may take as long as it lives, or never use its channel.
//
// The control loop watches one descriptor and makes one call:
//
//   when epoll says that reception.descriptor() is readable:
//     for (auto& session : reception.advance(now, admission)) host.adopt(std::move(session));
//
// Threads: one (control). Nothing here blocks.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "channel/listener.h"
#include "channel/session.h"

namespace hilo {

inline constexpr uint32_t handshakes_max = 16;
inline constexpr Nanoseconds handshake_wait_max = 2 * second_ns;

// What the control thread knows when a program asks to become a client.
struct Admission {
  uint32_t sessions = 0;       // that exist, whether adopted or retiring, besides this reception's
  bool shutting_down = false;  // Answer every Hello with "shutting down".
};

class Reception {
 public:
  static Result<std::unique_ptr<Reception>> create(ChannelSpec spec);
  ~Reception();
  Reception(const Reception&) = delete;
  Reception& operator=(const Reception&) = delete;

  // Takes connections from `listener` and gives them lanes within `offered`: a program that asks
  // for more is denied. At most one listener.
  Status listen(Listener listener, LaneRights offered);
  // Closes the listener and removes its path. Handshakes under way go on.
  void stop_listening();
  // A program at the other end of an already connected SOCK_SEQPACKET socket (hilo_connect_fd); it
  // begins with Hello.
  Status receive(UniqueFd socket, LaneRights offered, Instant now);
  // A launched program's session, after its Launch was handed over (channel/launch.h).
  Status expect(std::unique_ptr<Session> session);
  // Drops the session of a launched program that ended before it mapped; others are not touched.
  void forget(uint64_t session_id);

  // Becomes readable when advance() has something to do: a connection, a message, a hang-up, the
  // death of a program, a handshake out of time. Watch it level-triggered.
  int descriptor() const { return epoll_.get(); }
  // Moves every handshake as far as it goes without waiting, and returns the sessions that are
  // ready.
  std::vector<std::unique_ptr<Session>> advance(Instant now, const Admission& admission);

  // Sessions held here whose program has not mapped yet; they count towards clients_max.
  uint32_t sessions() const;
  // No handshake is under way.
  bool idle() const { return handshakes_.empty(); }

 private:
  struct Handshake;
  enum class Progress { waiting, ready, over };
  explicit Reception(ChannelSpec spec);

  Status watch(int descriptor);
  void unwatch(const Handshake& handshake);
  void accept_waiting(Instant now);
  void watch_listener(Instant now);
  void set_timer();
  uint32_t connections() const;  // Handshakes that a connection began, and that can time out.

  Progress step(Handshake& handshake, const Admission& admission);
  Progress on_hello(Handshake& handshake, const Hello& hello, const Admission& admission);

  ChannelSpec spec_;
  UniqueFd epoll_;
  UniqueFd timer_;
  std::optional<Listener> listener_;
  LaneRights offered_ = LaneRights::any;
  Instant accept_again_at_{};  // Later than now after running out of descriptors.
  std::vector<std::unique_ptr<Handshake>> handshakes_;
};

}  // namespace hilo
