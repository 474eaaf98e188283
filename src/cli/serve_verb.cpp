#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>

#include "base/log.h"
#include "channel/socket_path.h"
#include "cli/service.h"
#include "cli/verb.h"

namespace hilo {
namespace {

constexpr const char* examples = R"(
Programs connect with hilo_connect() or hilo.connect() and ask for a lane; a socket of
--lanes low or high denies those that ask for any.

Examples:
  hilo serve --model DIR
  hilo serve --model DIR --socket /run/user/1000/bulk.sock --lanes low)";

// An inherited descriptor is trusted only as far as it is what the protocol needs.
Result<UniqueFd> take_connection(int descriptor) {
  int type = 0;
  socklen_t type_bytes = sizeof(type);
  sockaddr_un peer{};
  socklen_t peer_bytes = sizeof(peer);
  const bool fits =
      ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &type_bytes) == 0 &&
      type == SOCK_SEQPACKET &&
      ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_bytes) == 0 &&
      peer.sun_family == AF_UNIX;
  if (!fits || descriptor <= STDERR_FILENO)
    return Error{
        fmt::format("descriptor {} is not a connected unix socket of type SOCK_SEQPACKET: "
                    "--private-fd needs one end of a socketpair()",
                    descriptor)};
  UniqueFd connection{descriptor};
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  return connection;
}

class ServeVerb final : public Verb {
 public:
  CommandWords words() const override {
    return {"serve", "Serve local programs that connect to a socket", examples};
  }

  void add_options(const OptionList& options) override {
    const Option socket =
        options.text({"--socket",
                      "Where programs connect; else $HILO_SOCKET, $XDG_RUNTIME_DIR/hilo.sock or "
                      "/tmp/hilo-UID/hilo.sock",
                      "PATH"},
                     options_.socket);
    options.choice(
        {"--lanes", "Lanes that programs may use: high, low or any", "LANES [any]"}, lanes_,
        {{"high", LaneRights::high}, {"low", LaneRights::low}, {"any", LaneRights::any}});
    options
        .number({"--private-fd",
                 "Serve only the connection on this inherited descriptor, and end with it", "N"},
                private_fd_, 3, 1 << 20)
        .excludes(socket);
    options.flag({"--verbose", "With --private-fd: tell more than errors"}, verbose_);
    add_service_options(options, options_);
    options.require([this] { return missing_option(options_.model); });
  }

  Status run() override {
    if (private_fd_ >= 0 && !verbose_) set_log_level(LogLevel::error);
    if (private_fd_ < 0 && options_.socket.empty()) {
      auto path = default_socket_path();
      if (!path) return path.error();
      options_.socket = *path;
    }
    return run_service(options_, [this](Supervisor& supervisor) { return open(supervisor); });
  }

 private:
  Status open(Supervisor& supervisor) const {
    if (private_fd_ >= 0) {
      auto connection = take_connection(private_fd_);
      if (!connection) return connection.error();
      return supervisor.serve_connection(std::move(*connection), lanes_);
    }
    Status status = supervisor.listen(options_.socket, lanes_);
    if (status) log_info(fmt::format("listening on {}", options_.socket));
    return status;
  }

  ServiceOptions options_;
  LaneRights lanes_ = LaneRights::any;
  int private_fd_ = -1;
  bool verbose_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_serve_verb() { return std::make_unique<ServeVerb>(); }

}  // namespace hilo
