#include "http/asio_loop.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <memory>

#include "base/ensure.h"

namespace hilo::http {
namespace {

namespace asio = boost::asio;

}  // namespace

struct AsioLoop::Watch {
  Watch(asio::io_context& io, int fd, std::function<void()> action)
      : descriptor(io.get_executor(), fd), ready(std::move(action)) {}
  ~Watch() { end(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // The descriptor is not ours to close.
  void end() {
    if (descriptor.is_open()) static_cast<void>(descriptor.release());
  }

  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> descriptor;
  std::function<void()> ready;
};

void AsioLoop::post(std::function<void()> action) { asio::post(io_, std::move(action)); }

void AsioLoop::watch(int descriptor, std::function<void()> ready) {
  auto watch = std::make_unique<Watch>(io_, descriptor, std::move(ready));
  const bool added = watches_.emplace(descriptor, watch.get()).second;
  ENSURE(added);
  wait(std::move(watch));
}

void AsioLoop::unwatch(int descriptor) {
  const auto found = watches_.find(descriptor);
  if (found == watches_.end()) return;
  found->second->end();
  watches_.erase(found);
}

void AsioLoop::wait(std::unique_ptr<Watch> watch) {
  auto& descriptor = watch->descriptor;
  descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                        [watch = std::move(watch)](boost::system::error_code error) mutable {
                          if (error) return;
                          if (watch->descriptor.is_open()) watch->ready();
                          if (watch->descriptor.is_open()) wait(std::move(watch));
                        });
}

}  // namespace hilo::http
