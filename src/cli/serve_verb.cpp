#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>

#include "base/log.h"
#include "base/own_path.h"
#include "channel/socket_path.h"
#include "cli/service.h"
#include "cli/verb.h"
#include "supervisor/command.h"

namespace hilo {
namespace {

constexpr const char* serve_examples = R"(
Programs connect with hilo_connect() or hilo.connect() and ask for a lane; a socket of
--lanes low or high denies those that ask for any.

With --http, `hilo-http` is started beside the engine and again when it fails. Its own options are
given with the prefix --http-, as in --http-drain-seconds 5; `hilo-http --help` lists them. SIGHUP
is then passed on to it: it reads its files again.

Examples:
  hilo serve --model DIR
  hilo serve --model DIR --http 0.0.0.0:8080
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
    return {"serve", "Serve local programs that connect to a socket", serve_examples};
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
    const Option http =
        options.text_or({"--http", "Serve HTTP, too: [HOST:]PORT or unix:PATH; docs/HTTP.md",
                         "ADDRESS [127.0.0.1:8080]"},
                        http_, "127.0.0.1:8080");
    options.pass_on("--http-", http_options_);
    options
        .number({"--private-fd",
                 "Serve only the connection on this inherited descriptor, and end with it", "N"},
                private_fd_, 3, 1 << 20)
        .excludes(socket)
        .excludes(http);
    options.flag({"--verbose", "With --private-fd: tell more than errors"}, verbose_);
    add_service_options(options, options_);
    options.require([this] { return missing_option(options_.model); });
  }

  Status run() override {
    if (private_fd_ >= 0 && !verbose_) set_log_level(LogLevel::error);
    if (http_.empty() && !http_options_.empty())
      return Error{fmt::format("{} of hilo-http is given without --http", http_options_.front())};
    if (private_fd_ < 0 && options_.socket.empty()) {
      auto path = default_socket_path();
      if (!path) return path.error();
      options_.socket = *path;
    }
    // A front end that cannot listen, or does not know its options, would only fail again.
    options_.restart = {.when = RestartWhen::on_failure, .hopeless_status = 2};
    // It reads its files again.
    options_.pass_on_hang_up = !http_.empty();
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
    if (!status) return status;
    log_info(fmt::format("listening on {}", options_.socket));
    return http_.empty() ? status : supervisor.launch(http_program());
  }

  // It lies beside this program, and connects to the socket as others do.
  ProgramSpec http_program() const {
    std::vector<std::string> words{(own_path().parent_path() / "hilo-http").string(), "--socket",
                                   options_.socket, "--listen", http_};
    if (needs_model(options_.model)) {
      words.emplace_back("--tokenizer");
      words.push_back(options_.model.directory);
    }
    words.insert(words.end(), http_options_.begin(), http_options_.end());
    return {.name = "http", .command = join_command(words), .channel = std::nullopt};
  }

  ServiceOptions options_;
  LaneRights lanes_ = LaneRights::any;
  int private_fd_ = -1;
  bool verbose_ = false;
  std::string http_;  // empty: no HTTP
  std::vector<std::string> http_options_;
};

}  // namespace

std::unique_ptr<Verb> make_serve_verb() { return std::make_unique<ServeVerb>(); }

}  // namespace hilo
