// The bytes of one connection, whatever carries them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/unique_fd.h"
#include "http/awaitable.h"

namespace hilo::http {

class Stream {
 public:
  virtual ~Stream() = default;

  // What comes before the first byte, such as agreeing on keys. False: it failed.
  virtual Awaitable<bool> open() = 0;
  // At least one byte; 0 means the end, an error, or cancel().
  virtual Awaitable<size_t> read_some(std::span<char> room) = 0;
  virtual Awaitable<size_t> write_some(std::string_view bytes) = 0;
  // Whoever waits in one of the above goes on at once.
  virtual void cancel() = 0;
  // The other side is told that no more will come.
  virtual void end_writing() = 0;
  virtual Awaitable<void> close() = 0;

  // Calls `told` once when the other side hangs up, until unwatch(). A client that sends its next
  // request meanwhile is not seen hanging up.
  virtual void watch_for_hang_up(std::function<void()> told) = 0;
  virtual void unwatch() = 0;
};

std::unique_ptr<Stream> make_plain_stream(UniqueFd socket, const Executor& executor);

}  // namespace hilo::http
