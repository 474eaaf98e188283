// The event loop of the io thread, by Asio.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>

#include "http/event_loop.h"

namespace hilo::http {

class AsioLoop final : public EventLoop {
 public:
  explicit AsioLoop(boost::asio::io_context& io) : io_(io) {}

  void post(std::function<void()> action) override;
  void watch(int descriptor, std::function<void()> ready) override;
  void unwatch(int descriptor) override;

 private:
  struct Watch;
  static void wait(std::unique_ptr<Watch> watch);

  boost::asio::io_context& io_;
  std::map<int, Watch*> watches_;  // Each is owned by the wait that is under way.
};

}  // namespace hilo::http
