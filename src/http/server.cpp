#include "http/server.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <list>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/log.h"
#include "http/asio_loop.h"
#include "http/connection.h"
#include "http/files.h"
#include "http/listener.h"
#include "http/openai.h"
#include "http/routes.h"
#include "http/service.h"
#include "http/tls_stream.h"

namespace hilo::http {
namespace {

constexpr Nanoseconds tick_ns = 100 * millisecond_ns;
// What one look at a listener lets in, before others have the io thread.
constexpr int accepts_at_once = 64;

UniqueFd open_signals() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watched, signal);
  ::pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return UniqueFd{::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK)};
}

UniqueFd open_ticks() {
  UniqueFd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  const itimerspec every{.it_interval = {.tv_sec = 0, .tv_nsec = tick_ns},
                         .it_value = {.tv_sec = 0, .tv_nsec = tick_ns}};
  ::timerfd_settime(timer.get(), 0, &every, nullptr);
  return timer;
}

// A descriptor for each connection, as far as we may.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text.data();
}

// For a connection that cannot be let in. Sent without waiting: whoever does not read it at once
// sees the connection close.
void turn_away(const UniqueFd& socket, const std::string& sentence) {
  const Response response =
      write_openai_problem({.kind = ProblemKind::unavailable, .message = sentence});
  const std::string text = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n{}",
      response.body.size(), response.body);
  ::send(socket.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

struct Server::State {
  State(const HttpOptions& given, UniqueFd held_signals, std::vector<HttpListener> opened)
      : options(given),
        signals(std::move(held_signals)),
        listeners(std::move(opened)),
        service(options, loop) {}

  void serve();
  void let_in(const HttpListener& listener);
  void start(UniqueFd socket, bool encrypted);
  void tick();
  void tell_gauges();
  void take_signals();
  void stop();
  void stop_listening();
  bool over(Instant now);

  enum class Phase { serving, leaving, draining, over };

  const HttpOptions options;
  UniqueFd signals;
  UniqueFd ticks = open_ticks();
  std::vector<HttpListener> listeners;
  asio::io_context io{1};
  AsioLoop loop{io};
  Service service;
  std::list<Connection> connections;
  Phase phase = Phase::serving;
  Instant phase_deadline{};
  bool connected_before = false;
  // Given up to turn a connection away when no descriptor is left: one that stays waiting would
  // keep the loop awake.
  UniqueFd spare{::dup(STDERR_FILENO)};
};

Result<std::unique_ptr<Server>> Server::create(const HttpOptions& options) {
  std::unique_ptr<const TextTokenizer> tokenizer;
  if (!options.tokenizer.empty()) {
    auto opened = TextTokenizer::open(options.tokenizer);
    if (!opened) return opened.error();
    tokenizer = std::move(*opened);
  }
  UniqueFd signals = open_signals();
  if (!signals.valid()) return Error{"cannot receive signals"};
  raise_descriptor_limit();
  std::vector<HttpListener> listeners;
  for (const std::string& text : options.listen) {
    auto address = parse_listen_address(text);
    if (!address) return address.error();
    if (!options.tls_certificate.empty()) address->scheme = "https";
    auto listener = HttpListener::open(*address);
    if (!listener) return listener.error();
    listeners.push_back(std::move(*listener));
  }
  auto state = std::make_unique<State>(options, std::move(signals), std::move(listeners));
  state->service.tokenizer = std::move(tokenizer);
  if (Status read = read_files(state->service); !read) return read.error();
  return std::unique_ptr<Server>{new Server{std::move(state)}};
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

void Server::run() { state_->serve(); }

void Server::State::serve() {
  service.date = http_date();
  loop.watch(signals.get(), [this] { take_signals(); });
  loop.watch(ticks.get(), [this] { tick(); });
  for (BulkThread* const thread : {&service.bulk, &service.errands})
    loop.watch(thread->descriptor(), [thread] { thread->finish(); });
  for (const HttpListener& listener : listeners) {
    loop.watch(listener.descriptor(), [this, &listener] { let_in(listener); });
    log_info(fmt::format("listening on {}", listener.name()));
    if (!listener.local() && !service.access.asks_for_keys())
      log_warning(fmt::format("{} can be reached from other machines, and no API key is asked for",
                              listener.name()));
  }
  if (service.log != nullptr)
    loop.watch(service.log->descriptor(), [this] { service.log->take_news(); });
  io.run();
  if (service.log != nullptr) service.log->finish();
}

void Server::State::let_in(const HttpListener& listener) {
  for (int i = 0; i < accepts_at_once; ++i) {
    UniqueFd socket = listener.accept();
    if (!socket.valid() && (errno == EMFILE || errno == ENFILE)) {
      spare.reset();
      turn_away(listener.accept(), "This server has no descriptor left for a connection.");
      service.metrics.connections_refused.add(1);
      spare.reset(::dup(STDERR_FILENO));
      return;
    }
    if (!socket.valid()) return;
    if (connections.size() >= options.limits.connections_max) {
      turn_away(socket, "This server has as many connections as it may.");
      service.metrics.connections_refused.add(1);
    } else {
      service.metrics.connections_accepted.add(1);
      start(std::move(socket), service.tls.has_value() && !listener.is_unix());
    }
  }
}

void Server::State::start(UniqueFd socket, bool encrypted) {
  const auto executor = io.get_executor();
  std::string client = name_of_client(socket.get());
  auto stream = encrypted ? make_tls_stream(std::move(socket), executor, *service.tls)
                          : make_plain_stream(std::move(socket), executor);
  connections.emplace_front(service, std::move(stream), std::move(client));
  const auto self = connections.begin();
  asio::co_spawn(executor, self->run(), [this, self](const std::exception_ptr& failure) {
    if (failure) log_error("a connection ended because memory or the system failed");
    connections.erase(self);
  });
}

void Server::State::tick() {
  uint64_t passed = 0;
  [[maybe_unused]] const ssize_t read = ::read(ticks.get(), &passed, sizeof(passed));
  const Instant now = monotonic_now();
  service.date = http_date();
  service.engine.tick(now);
  for (Connection& connection : connections) connection.tick(now);
  tell_gauges();
  if (service.log != nullptr) service.log->flush();
  if (!connected_before && service.engine.connected()) {
    connected_before = true;
    log_info("ready");
  }
  if (phase == Phase::leaving && now >= phase_deadline) {
    phase = Phase::draining;
    phase_deadline = now + nanoseconds(options.drain_seconds);
    stop_listening();
    for (Connection& connection : connections) connection.end_when_idle();
  }
  if (over(now)) io.stop();
}

void Server::State::tell_gauges() {
  HttpGauges& gauges = service.metrics.gauges;
  gauges.connections.set(connections.size());
  gauges.requests_in_flight.set(service.requests_in_flight);
  gauges.bodies_bytes.set(service.bodies_bytes);
  for (const Lane lane : {Lane::high, Lane::low}) {
    gauges.texts_in_flight[index_of(lane)].set(service.engine.texts_held(lane));
    gauges.texts_queued[index_of(lane)].set(service.engine.texts_queued(lane));
  }
  gauges.engine_connected.set(service.engine.connected() ? 1 : 0);
  gauges.draining.set(service.draining || service.engine.draining() ? 1 : 0);
}

bool Server::State::over(Instant now) {
  if (phase == Phase::over) return connections.empty() || now >= phase_deadline;
  if (phase != Phase::draining) return false;
  if (connections.empty()) return true;
  if (now < phase_deadline) return false;
  log_warning(fmt::format("{} requests are broken off", connections.size()));
  phase = Phase::over;
  phase_deadline = now + second_ns;
  for (Connection& connection : connections) connection.end_now();
  return false;
}

void Server::State::take_signals() {
  signalfd_siginfo info{};
  while (::read(signals.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGHUP)
      read_files_again(service);
    else
      stop();
  }
}

void Server::State::stop() {
  const bool first = phase == Phase::serving;
  phase = first ? Phase::leaving : phase;
  // A second signal skips the waiting.
  phase_deadline = monotonic_now() + (first ? nanoseconds(options.drain_delay_seconds) : 0);
  if (first) log_info("stopping: requests under way are answered first");
  service.draining = true;
}

void Server::State::stop_listening() {
  for (const HttpListener& listener : listeners) loop.unwatch(listener.descriptor());
  listeners.clear();
}

}  // namespace hilo::http
