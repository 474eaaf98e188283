#include "http/options.h"

#include "http/access_log.h"

namespace hilo::http {
namespace {

void add_limits(const OptionList& list, Limits& limits) {
  list.number({"--body-bytes", "The largest body, unpacked; larger ones get 413", "N [16777216]"},
              limits.body_bytes_max, 1U, 1U << 30);
  list.number({"--bodies-mib", "All bodies together that are being read or worked on", "N [512]"},
              limits.bodies_mib_max, 1U, 1U << 20);
  list.number({"--request-texts", "Texts in one request; more get 400", "N [2048]"},
              limits.texts_per_request_max, 1U, 1U << 20);
  list.number({"--connections", "Connections at a time; more get 503", "N [4096]"},
              limits.connections_max, 1U, 1U << 20);
  list.number({"--high-texts", "HIGH texts read and not answered; more get 429", "N [1024]"},
              limits.high_texts_max, 1U, 1U << 24);
  list.number({"--low-texts", "The same for LOW", "N [16384]"}, limits.low_texts_max, 1U, 1U << 24);
  list.number({"--header-seconds", "Time for a header to arrive", "N [10]"}, limits.header_seconds,
              0.1, 3600.0);
  list.number({"--body-seconds", "Time for a body to arrive", "N [60]"}, limits.body_seconds, 0.1,
              3600.0);
  list.number({"--idle-seconds", "Time that a connection may be idle", "N [75]"},
              limits.idle_seconds, 0.1, 86400.0);
  list.number({"--write-seconds", "Time for a response to be read by the client", "N [60]"},
              limits.write_seconds, 0.1, 3600.0);
  list.number(
      {"--engine-seconds",
       "Time for the engine to answer a request without X-Hilo-Timeout-Ms; then it gets 504",
       "N [600]"},
      limits.engine_seconds, 0.1, 86400.0);
}

}  // namespace

void add_http_options(const OptionList& list, HttpOptions& options) {
  list.texts({"--listen", "Where clients connect, each of them [HOST:]PORT or unix:PATH",
              "ADDRESS ... [127.0.0.1:8080]"},
             options.listen);
  list.text({"--socket",
             "The engine's socket; else $HILO_SOCKET, $XDG_RUNTIME_DIR/hilo.sock or "
             "/tmp/hilo-UID.sock",
             "PATH"},
            options.socket);
  list.text({"--tokenizer", "Model directory with the tokenizer of /tokenize and /decode", "DIR"},
            options.tokenizer);
  list.flag({"--any-model", "Accept whatever model a request names"}, options.any_model);
  list.choice({"--lane", "Lane of requests that name none: high, low, or auto by their texts",
               "LANE [auto]"},
              options.lanes.otherwise,
              {{"high", LaneWish::high}, {"low", LaneWish::low}, {"auto", LaneWish::automatic}});
  list.text(
      {"--api-keys", "A file with the keys that clients must show, read again on SIGHUP", "FILE"},
      options.api_keys);
  list.text_or({"--access-log",
                "A line of JSON for each request, to this file or to standard error; the file is "
                "opened again on SIGHUP",
                "[FILE]"},
               options.access_log, AccessLog::standard_error);
  const Option certificate =
      list.text({"--tls-certificate",
                 "Speak HTTPS on TCP, with this certificate and those of who signed it, in PEM; "
                 "read again on SIGHUP",
                 "FILE"},
                options.tls_certificate);
  list.text({"--tls-key", "The certificate's key, in PEM and without a password", "FILE"},
            options.tls_key)
      .needs(certificate);
  list.require([&options] {
    return std::string{!options.tls_certificate.empty() && options.tls_key.empty() ? "--tls-key"
                                                                                   : ""};
  });
  list.texts({"--cors-origin", "Pages of these origins may call from a browser; * means all",
              "ORIGIN ..."},
             options.cors_origins);
  list.number({"--auto-high-texts", "auto makes requests with up to so many texts HIGH", "N [4]"},
              options.auto_high_texts, 0U, 1U << 20);
  list.number(
      {"--drain-delay-seconds",
       "After SIGTERM, time in which only /health/ready says so, for a load balancer", "N [0]"},
      options.drain_delay_seconds, 0.0, 3600.0);
  list.number({"--drain-seconds", "Then, time for requests under way to finish", "N [10]"},
              options.drain_seconds, 0.0, 3600.0);
  add_limits(list, options.limits);
}

}  // namespace hilo::http
