// The program hilo-http: the engine of a `hilo serve`, over HTTP.
//   0  stopped by a signal
//   2  the command line makes no sense, or it cannot listen there: starting again would not help
#include <unistd.h>

#include "base/log.h"
#include "http/options.h"
#include "http/server.h"

namespace {

constexpr hilo::CommandWords words{"hilo-http", "hilo-http: a hilo engine over HTTP", R"(
It connects to the socket of `hilo serve`, which starts it with --http, and finds it again when the
engine was restarted. docs/HTTP.md has the routes, the lanes and the limits.

Examples:
  hilo serve --model DIR --http
  hilo-http --listen 0.0.0.0:8080 --socket /run/user/1000/hilo.sock
  hilo-http --listen unix:/run/user/1000/hilo-http.sock 127.0.0.1:8080)"};

}  // namespace

int main(int argc, char** argv) {
  hilo::set_log_name("hilo-http");
  hilo::http::HttpOptions options;
  {
    hilo::OptionParser parser{words, "hilo-http " HILO_VERSION};
    add_http_options(parser.options(), options);
    if (const auto exit_status = parser.parse(argc, argv)) return *exit_status;
  }
  auto server = hilo::http::Server::create(options);
  if (!server) {
    hilo::log_error(server.error().message);
    return 2;
  }
  (*server)->run();
  hilo::log_info("stopped");
  // Connecting may still wait for an engine, and nothing here needs an orderly end any more.
  ::_exit(0);
}
