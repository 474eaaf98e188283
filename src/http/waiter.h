// Where a coroutine of the io thread sleeps until another part of that thread has news for it. It
// costs no system call, and nothing is remembered: whoever is woken, or is about to sleep, looks
// whether what it waits for has come.
//
// Threads: the io thread.
#pragma once

#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "http/awaitable.h"

namespace hilo::http {

class Waiter {
 public:
  // One coroutine at a time.
  Awaitable<void> wait() {
    Token token;
    return asio::async_initiate<Token, void()>(
        [this](Handler handler) { sleeper_.emplace(std::move(handler)); }, token);
  }
  // Whoever sleeps goes on soon, and not within this call.
  void wake() {
    if (!sleeper_) return;
    Handler woken = std::move(*sleeper_);
    sleeper_.reset();
    asio::post(std::move(woken));
  }

 private:
  using Token = asio::use_awaitable_t<Executor>;
  using Handler = asio::async_result<Token, void()>::handler_type;

  std::optional<Handler> sleeper_;
};

}  // namespace hilo::http
