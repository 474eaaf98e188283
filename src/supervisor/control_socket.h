// A socket where a running engine is asked about itself: one message is a question, one message the
// answer. `hilo top` is its client.
//
// Whoever asks cannot hold anybody up. An answer is sent whole or not at all, without waiting: who
// does not read loses the connection, and so does the one that was silent longest when a new one
// has no place. Only our own user may connect. After each round of answers, one a connection, the
// socket rests, so that questions without end get a small part of the thread.
//
// Threads: one (control). Nothing here blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "channel/listener.h"

namespace hilo {

inline constexpr size_t control_connections_max = 8;
inline constexpr size_t control_question_bytes_max = 256;
inline constexpr Nanoseconds control_rest = 5 * millisecond_ns;
// What the kernel lets through a unix socket in one message, by default, less what it adds.
inline constexpr size_t control_answer_bytes_max = 200 * 1024;

class ControlSocket {
 public:
  using Answer = std::function<std::string(std::string_view question, Instant now)>;

  static Result<std::unique_ptr<ControlSocket>> open(const std::string& path, Answer answer);

  const std::string& path() const { return listener_.path(); }
  // Becomes readable when advance() has something to do.
  int descriptor() const { return epoll_.get(); }
  // Until then, advance() does nothing.
  Instant rests_until() const { return rests_until_; }
  // At most one answer a connection, and one new connection.
  void advance(Instant now);

 private:
  ControlSocket(Listener listener, UniqueFd epoll, Answer answer);
  bool watch(int descriptor);
  void let_in();
  bool answer_one(int connection, Instant now) const;

  Listener listener_;
  UniqueFd epoll_;
  Answer answer_;
  std::vector<UniqueFd> connections_;  // Whoever asked last comes last.
  Instant rests_until_;
  // Given up to send a connection away when the process has no descriptor left, because one that
  // stays waiting would keep the control thread awake.
  UniqueFd spare_;
};

}  // namespace hilo
