#include "http/socket_stream.h"

#include <boost/asio/post.hpp>
#include <sys/socket.h>

namespace hilo::http {
namespace {

int family_of(int socket) {
  int family = AF_UNSPEC;
  socklen_t bytes = sizeof(family);
  ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &bytes);
  return family;
}

}  // namespace

SocketStream::SocketStream(UniqueFd socket, const Executor& executor) : socket_(executor) {
  // Errors are told twice, by the value returned as well.
  boost::system::error_code refused;
  const asio::generic::stream_protocol protocol{family_of(socket.get()), 0};
  static_cast<void>(socket_.assign(protocol, socket.get(), refused));
  if (!refused) static_cast<void>(socket.release());
  static_cast<void>(socket_.non_blocking(true, refused));
}

void SocketStream::cancel() {
  boost::system::error_code closed;
  static_cast<void>(socket_.cancel(closed));
}

void SocketStream::end_writing() {
  boost::system::error_code closed;
  static_cast<void>(socket_.shutdown(asio::socket_base::shutdown_send, closed));
}

Awaitable<void> SocketStream::close() {
  boost::system::error_code closed;
  told_ = nullptr;
  static_cast<void>(socket_.close(closed));
  // The wait that has been broken off is about to tell, and needs this object.
  while (watch_pending_) co_await asio::post(asio::use_awaitable_t<Executor>{});
}

void SocketStream::watch_for_hang_up(std::function<void()> told) {
  told_ = std::move(told);
  // A watch of the request before may be pending: it does as well.
  if (!watch_pending_) wait_for_news();
}

void SocketStream::wait_for_news() {
  watch_pending_ = true;
  socket_.async_wait(asio::socket_base::wait_read, [this](boost::system::error_code error) {
    watch_pending_ = false;
    if (error || !told_) return;
    const News news = peek();
    if (news == News::bytes) return;
    if (news == News::nothing_yet) return wait_for_news();
    const auto told = std::exchange(told_, nullptr);
    told();
  });
}

}  // namespace hilo::http
