// Asio's own TLS stream copies all bytes through two buffers of 17 KiB for each connection. Here
// OpenSSL reads and writes the socket itself, and Asio only waits for it.
#include "http/tls_stream.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <climits>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/ensure.h"
#include "http/socket_stream.h"

namespace hilo::http {
namespace {

struct FreeSsl {
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};

int int_of(size_t bytes) { return static_cast<int>(std::min<size_t>(bytes, INT_MAX)); }

class TlsStream final : public SocketStream {
 public:
  TlsStream(UniqueFd connection, const Executor& executor, const TlsContext& context)
      : SocketStream(std::move(connection), executor), ssl_(::SSL_new(context.get())) {
    ENSURE(ssl_ != nullptr);
    ::SSL_set_accept_state(ssl_.get());
    ::SSL_set_fd(ssl_.get(), socket().native_handle());
  }

  Awaitable<bool> open() override {
    while (true) {
      ::ERR_clear_error();
      const int result = ::SSL_do_handshake(ssl_.get());
      if (result == 1) break;
      if (!co_await can_go_on(result)) co_return false;
    }
    open_ = true;
    co_return true;
  }

  Awaitable<size_t> read_some(std::span<char> room) override {
    while (true) {
      ::ERR_clear_error();
      const int bytes = ::SSL_read(ssl_.get(), room.data(), int_of(room.size()));
      if (bytes > 0) {
        co_await give_way();
        co_return static_cast<size_t>(bytes);
      }
      if (!co_await can_go_on(bytes)) co_return 0;
    }
  }

  Awaitable<size_t> write_some(std::string_view bytes) override {
    while (true) {
      ::ERR_clear_error();
      const int written = ::SSL_write(ssl_.get(), bytes.data(), int_of(bytes.size()));
      if (written > 0) {
        co_await give_way();
        co_return static_cast<size_t>(written);
      }
      if (!co_await can_go_on(written)) co_return 0;
    }
  }

  void end_writing() override {
    say_goodbye();
    SocketStream::end_writing();
  }

  Awaitable<void> close() override {
    say_goodbye();
    co_await SocketStream::close();
  }

 private:
  // Waits for what a call needs that gave `result`. False: it cannot succeed any more.
  Awaitable<bool> can_go_on(int result) {
    const int need = ::SSL_get_error(ssl_.get(), result);
    if (need != SSL_ERROR_WANT_READ && need != SSL_ERROR_WANT_WRITE) {
      // After these two nothing may be sent either.
      if (need == SSL_ERROR_SSL || need == SSL_ERROR_SYSCALL) open_ = false;
      co_return false;
    }
    boost::system::error_code error;
    const auto wait =
        need == SSL_ERROR_WANT_READ ? asio::socket_base::wait_read : asio::socket_base::wait_write;
    co_await socket().async_wait(wait, told_in(error));
    co_return !error;
  }

  // A call that need not wait comes back at once; a client that sends quickly must not keep the io
  // thread from all others.
  Awaitable<void> give_way() { co_await asio::post(asio::use_awaitable_t<Executor>{}); }

  // Tells the other side that this is the end and not a cut, if the socket has room for it.
  void say_goodbye() {
    if (!std::exchange(open_, false)) return;
    ::ERR_clear_error();
    ::SSL_shutdown(ssl_.get());
  }

  News peek() override {
    char byte;
    ::ERR_clear_error();
    const int bytes = ::SSL_peek(ssl_.get(), &byte, 1);
    if (bytes > 0) return News::bytes;
    const int need = ::SSL_get_error(ssl_.get(), bytes);
    return need == SSL_ERROR_WANT_READ || need == SSL_ERROR_WANT_WRITE ? News::nothing_yet
                                                                       : News::end;
  }

  std::unique_ptr<SSL, FreeSsl> ssl_;
  bool open_ = false;  // and not said goodbye
};

}  // namespace

std::unique_ptr<Stream> make_tls_stream(UniqueFd socket, const Executor& executor,
                                        const TlsContext& context) {
  return std::make_unique<TlsStream>(std::move(socket), executor, context);
}

}  // namespace hilo::http
