// The coroutines of the io thread. Costs a file that includes it some three seconds to compile, so
// only those that wait for sockets do.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hilo::http {

namespace asio = boost::asio;

// Concrete, so that no operation goes through a type-erased executor.
using Executor = asio::io_context::executor_type;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;

// Lets an operation be awaited that tells its error instead of throwing it.
inline auto told_in(boost::system::error_code& error) {
  return asio::redirect_error(asio::use_awaitable_t<Executor>{}, error);
}

}  // namespace hilo::http
