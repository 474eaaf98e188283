#include <cerrno>
#include <sys/socket.h>

#include "http/socket_stream.h"

namespace hilo::http {
namespace {

class PlainStream final : public SocketStream {
 public:
  using SocketStream::SocketStream;

  Awaitable<bool> open() override { co_return socket().is_open(); }

  Awaitable<size_t> read_some(std::span<char> room) override {
    boost::system::error_code error;
    const size_t bytes =
        co_await socket().async_read_some(asio::buffer(room.data(), room.size()), told_in(error));
    co_return error ? 0 : bytes;
  }

  Awaitable<size_t> write_some(std::string_view bytes) override {
    boost::system::error_code error;
    const size_t written = co_await socket().async_write_some(
        asio::buffer(bytes.data(), bytes.size()), told_in(error));
    co_return error ? 0 : written;
  }

 private:
  News peek() override {
    char byte;
    const ssize_t bytes = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (bytes > 0) return News::bytes;
    return bytes < 0 && (errno == EAGAIN || errno == EINTR) ? News::nothing_yet : News::end;
  }
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(UniqueFd socket, const Executor& executor) {
  return std::make_unique<PlainStream>(std::move(socket), executor);
}

}  // namespace hilo::http
