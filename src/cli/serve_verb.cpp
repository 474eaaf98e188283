#include <fcntl.h>
#include <map>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "cli/service.h"
#include "cli/verb.h"
#include "protocol/socket_path.h"

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
  CLI::App* add_to(CLI::App& app) override {
    CLI::App* const verb =
        app.add_subcommand("serve", "Serve local programs that connect to a socket");
    verb->footer(examples);
    auto* const socket =
        verb->add_option("--socket", socket_,
                         "Where programs connect; else $HILO_SOCKET, $XDG_RUNTIME_DIR/hilo.sock or "
                         "/tmp/hilo-UID.sock")
            ->option_text("PATH");
    verb->add_option("--lanes", lanes_, "Lanes that programs may use: high, low or any")
        ->transform(CLI::CheckedTransformer(std::map<std::string, LaneRights>{
            {"high", LaneRights::high}, {"low", LaneRights::low}, {"any", LaneRights::any}}))
        ->option_text("LANES [any]");
    verb->add_option("--private-fd", private_fd_,
                     "Serve only the connection on this inherited descriptor, and end with it")
        ->excludes(socket)
        ->check(CLI::Range(3, 1 << 20))
        ->option_text("N");
    verb->add_flag("--verbose", verbose_, "With --private-fd: tell more than errors");
    add_service_options(*verb, options_);
    verb->callback([this] { require_model(options_.model); });
    return verb;
  }

  Status run() override {
    if (private_fd_ >= 0 && !verbose_) set_log_level(LogLevel::error);
    return run_service(options_, [this](Supervisor& supervisor) { return open(supervisor); });
  }

 private:
  Status open(Supervisor& supervisor) const {
    if (private_fd_ >= 0) {
      auto connection = take_connection(private_fd_);
      if (!connection) return connection.error();
      return supervisor.serve_connection(std::move(*connection), lanes_);
    }
    const std::string path = socket_.empty() ? default_socket_path() : socket_;
    Status status = supervisor.listen(path, lanes_);
    if (status) log_info(fmt::format("listening on {}", path));
    return status;
  }

  ServiceOptions options_;
  std::string socket_;
  LaneRights lanes_ = LaneRights::any;
  int private_fd_ = -1;
  bool verbose_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_serve_verb() { return std::make_unique<ServeVerb>(); }

}  // namespace hilo
