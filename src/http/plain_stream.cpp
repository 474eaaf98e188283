#include <cerrno>
#include <sys/socket.h>

#include "http/limits.h"
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
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    boost::system::error_code error;
    // The last piece of a response, which mostly is the only one, goes at once if the socket has
    // room. Those before it go by way of the loop, so that others have their turns.
    if (bytes.size() < write_bytes_max) {
      const size_t written = socket().write_some(buffer, error);
      if (error != asio::error::would_block) co_return error ? 0 : written;
    }
    const size_t written = co_await socket().async_write_some(buffer, told_in(error));
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
