// What the io thread offers to those who know no Asio.
#pragma once

#include <functional>

namespace hilo::http {

class EventLoop {
 public:
  virtual ~EventLoop() = default;

  // Does it on the io thread, soon. The only call for other threads.
  virtual void post(std::function<void()> action) = 0;
  // Calls `ready` whenever the descriptor is readable or hung up, until unwatch(). It stays the
  // caller's, who ends the watch before closing it.
  virtual void watch(int descriptor, std::function<void()> ready) = 0;
  virtual void unwatch(int descriptor) = 0;
};

}  // namespace hilo::http
