// What all streams over a socket have in common: everything but their bytes.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "http/stream.h"

namespace hilo::http {

class SocketStream : public Stream {
 public:
  // TCP and unix sockets alike.
  SocketStream(UniqueFd socket, const Executor& executor);

  void cancel() override;
  void end_writing() override;
  Awaitable<void> close() override;
  void watch_for_hang_up(std::function<void()> told) override;
  void unwatch() override { told_ = nullptr; }

 protected:
  enum class News { nothing_yet, bytes, end };
  // What a readable socket has to tell. Nothing is taken from it.
  virtual News peek() = 0;

  asio::basic_stream_socket<asio::generic::stream_protocol, Executor>& socket() { return socket_; }

 private:
  void wait_for_news();

  asio::basic_stream_socket<asio::generic::stream_protocol, Executor> socket_;
  std::function<void()> told_;
  bool watch_pending_ = false;
};

}  // namespace hilo::http
