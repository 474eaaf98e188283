#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <sys/socket.h>

#include "http/stream.h"

namespace hilo::http {
namespace {

int family_of(int socket) {
  int family = AF_UNSPEC;
  socklen_t bytes = sizeof(family);
  ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &bytes);
  return family;
}

// TCP and unix sockets alike.
class PlainStream final : public Stream {
 public:
  PlainStream(UniqueFd socket, const Executor& executor) : socket_(executor) {
    boost::system::error_code refused;
    const asio::generic::stream_protocol protocol{family_of(socket.get()), 0};
    socket_.assign(protocol, socket.get(), refused);
    if (!refused) static_cast<void>(socket.release());
    socket_.non_blocking(true, refused);
  }

  Awaitable<bool> open() override { co_return socket_.is_open(); }

  Awaitable<size_t> read_some(std::span<char> room) override {
    boost::system::error_code error;
    const size_t bytes =
        co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), told_in(error));
    co_return error ? 0 : bytes;
  }

  Awaitable<size_t> write_some(std::string_view bytes) override {
    boost::system::error_code error;
    const size_t written =
        co_await socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()), told_in(error));
    co_return error ? 0 : written;
  }

  void cancel() override {
    boost::system::error_code closed;
    socket_.cancel(closed);
  }

  void end_writing() override {
    boost::system::error_code closed;
    socket_.shutdown(asio::socket_base::shutdown_send, closed);
  }

  Awaitable<void> close() override {
    boost::system::error_code closed;
    told_ = nullptr;
    socket_.close(closed);
    // The wait that has been broken off is about to tell, and needs this object.
    while (watch_pending_) co_await asio::post(asio::use_awaitable_t<Executor>{});
  }

  void watch_for_hang_up(std::function<void()> told) override {
    told_ = std::move(told);
    // A watch of the request before may be pending: it does as well.
    if (!watch_pending_) wait_for_bytes();
  }
  void unwatch() override { told_ = nullptr; }

 private:
  void wait_for_bytes() {
    watch_pending_ = true;
    socket_.async_wait(asio::socket_base::wait_read, [this](boost::system::error_code error) {
      watch_pending_ = false;
      if (error || !told_) return;
      char byte;
      const ssize_t bytes = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (bytes > 0) return;
      if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return wait_for_bytes();
      const auto told = std::exchange(told_, nullptr);
      told();
    });
  }

  asio::basic_stream_socket<asio::generic::stream_protocol, Executor> socket_;
  std::function<void()> told_;
  bool watch_pending_ = false;
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(UniqueFd socket, const Executor& executor) {
  return std::make_unique<PlainStream>(std::move(socket), executor);
}

}  // namespace hilo::http
