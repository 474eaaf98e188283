#include "http/connection.h"

#include <array>
#include <boost/asio/post.hpp>

#include "http/openai.h"
#include "http/response_head.h"

namespace hilo::http {
namespace {

constexpr double linger_seconds = 2;
constexpr size_t linger_bytes_max = 64 * 1024 * 1024;
constexpr uint32_t retry_ms_without_room = 1000;
constexpr std::string_view leave_to_send = "HTTP/1.1 100 Continue\r\n\r\n";

void add_tag(Response& response, const RequestTag& tag) {
  response.headers.emplace_back("X-Request-Id", tag.id);
  if (!tag.traceparent.empty()) response.headers.emplace_back("traceparent", tag.traceparent);
}

}  // namespace

Connection::Connection(Service& service, std::unique_ptr<Stream> stream, std::string client)
    : service_(service),
      stream_(std::move(stream)),
      client_(std::move(client)),
      reader_(service.options.limits.body_bytes_max) {}

void Connection::enter(Phase phase, double seconds) {
  phase_ = phase;
  deadline_ = monotonic_now() + nanoseconds(seconds);
}

void Connection::count_body(size_t bytes) {
  service_.bodies_bytes += bytes - body_counted_;
  body_counted_ = bytes;
}

void Connection::tick(Instant now) {
  if (phase_ == Phase::compute && !std::exchange(watched_, true))
    stream_->watch_for_hang_up([this] {
      hung_up_ = true;
      waiter_.wake();
    });
  if (phase_ == Phase::answer || timed_out_ || now < deadline_) return;
  timed_out_ = true;
  stream_->cancel();
  waiter_.wake();
}

void Connection::end_when_idle() {
  ending_ = true;
  if (phase_ == Phase::idle) stream_->cancel();
}

void Connection::end_now() {
  ending_ = hung_up_ = timed_out_ = true;
  stream_->cancel();
  waiter_.wake();
}

Awaitable<void> Connection::run() {
  enter(Phase::idle, service_.options.limits.header_seconds);
  if (co_await stream_->open()) {
    bool more = true;
    while (more) more = co_await serve_one();
  }
  co_await stream_->close();
}

// False: the connection is to be closed.
Awaitable<bool> Connection::serve_one() {
  std::optional<Problem> problem = co_await receive();
  const bool whole = reader_.state() == RequestReader::State::whole;
  if (!whole && !problem) {  // The client has gone, or was idle for too long.
    count_body(0);
    co_return false;
  }
  const bool keep_open = !problem && reader_.keep_open() && !ending_;
  bool sent = false;
  ++service_.requests_in_flight;
  {
    // As much as is known of one that is refused before it is whole.
    Request request = whole ? reader_.take() : reader_.head();
    if (!request.method.empty()) record_.request = &request;
    Response response;
    record_.tag = service_.tags.of(request);
    // No ?: here: g++ 12 destroys what is awaited in one twice.
    if (problem)
      response = refuse(*problem, request);
    else
      response = co_await answer(request);
    service_.cors.permit(request, response);
    add_tag(response, record_.tag);
    record_.status = response.status;
    record_.response_bytes = response.body.size();
    if (!hung_up_) sent = co_await send(response, keep_open && !ending_, request.method == "HEAD");
    record_.sent = monotonic_now();
    record_.hung_up = !sent;
    service_.finished(record_);
  }
  --service_.requests_in_flight;
  room_.reset();
  count_body(0);
  if (sent && problem) co_await linger();
  if (!sent || !keep_open || ending_) co_return false;
  reader_.next();
  co_return true;
}

// In the form of its route, as far as that is known.
Response Connection::refuse(const Problem& problem, const Request& request) {
  record_.received = record_.parsed = record_.computed = record_.written = monotonic_now();
  const auto found = service_.router.find(request.method, request.path);
  if (std::holds_alternative<NoRoute>(found)) return write_openai_problem(problem);
  if (const auto* const wrong = std::get_if<WrongMethod>(&found))
    return wrong->write_problem(problem);
  record_.route = std::get<const Route*>(found);
  return record_.route->write_problem(problem);
}

// Reads a request. Neither whole nor a problem: the client went away, or never came.
Awaitable<std::optional<Problem>> Connection::receive() {
  const Limits& limits = service_.options.limits;
  const size_t bodies_max = size_t{limits.bodies_mib_max} << 20;
  record_ = {};
  record_.client = client_;
  if (reader_.has_bytes()) {
    enter(Phase::header, limits.header_seconds);
    // It came together with the one before: now it is the turn of other connections.
    co_await asio::post(asio::use_awaitable_t<Executor>{});
  } else if (phase_ != Phase::idle) {
    enter(Phase::idle, limits.idle_seconds);
  }
  bool leave_given = false;
  record_.begun = monotonic_now();
  while (true) {
    if (auto problem = reader_.advance()) co_return problem;
    count_body(reader_.body_bytes());
    if (reader_.state() == RequestReader::State::whole) break;
    if (reader_.state() == RequestReader::State::body && phase_ != Phase::body) {
      enter(Phase::body, limits.body_seconds);
      if (auto problem = refuse_early()) co_return problem;
    }
    if (service_.bodies_bytes > bodies_max)
      co_return Problem{.kind = ProblemKind::overloaded,
                        .message = "The requests under way have as much memory as they may.",
                        .retry_after_ms = retry_ms_without_room};
    if (!leave_given && reader_.expects_leave()) {
      leave_given = true;
      if (!co_await write(leave_to_send)) co_return std::nullopt;
    }
    if (co_await read_more()) continue;
    if (timed_out_ && reader_.begun() && !ending_)
      co_return Problem{.kind = ProblemKind::too_slow,
                        .message = "The request took too long to arrive."};
    co_return std::nullopt;
  }
  phase_ = Phase::answer;
  record_.request_bytes = reader_.body_bytes();
  record_.received = record_.parsed = record_.computed = record_.written = monotonic_now();
  co_return std::nullopt;
}

// Who has no key is told before the body has come, so that strangers cannot fill the memory.
std::optional<Problem> Connection::refuse_early() {
  if (!service_.access.asks_for_keys()) return std::nullopt;
  const Request head = reader_.head();
  const auto found = service_.router.find(head.method, head.path);
  const auto* const route = std::get_if<const Route*>(&found);
  if (route == nullptr) return std::nullopt;
  const auto caller = service_.access.admit(**route, head);
  if (caller) return std::nullopt;
  return caller.error();
}

Awaitable<bool> Connection::read_more() {
  if (ending_ && phase_ == Phase::idle) co_return false;
  const size_t bytes = co_await stream_->read_some(reader_.room());
  if (bytes == 0 || timed_out_) co_return false;
  reader_.add(bytes);
  if (phase_ == Phase::idle) {
    record_.begun = monotonic_now();
    enter(Phase::header, service_.options.limits.header_seconds);
  }
  co_return true;
}

Awaitable<bool> Connection::send(const Response& response, bool keep_open, bool head_only) {
  enter(Phase::write, service_.options.limits.write_seconds);
  timed_out_ = false;
  std::string head = response_head(response, service_.date, keep_open);
  if (head_only) co_return co_await write(head);
  if (head.size() + response.body.size() <= write_bytes_max) {
    head += response.body;
    co_return co_await write(head);
  }
  if (!co_await write(head)) co_return false;
  co_return co_await write(response.body);
}

Awaitable<bool> Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t written = co_await stream_->write_some(bytes.substr(0, write_bytes_max));
    if (written == 0 || timed_out_) co_return false;
    bytes.remove_prefix(written);
  }
  co_return true;
}

// Closing while the client still sends would throw away the response that it has not read yet.
Awaitable<void> Connection::linger() {
  enter(Phase::write, linger_seconds);
  stream_->end_writing();
  std::array<char, read_bytes_max> dropped;
  size_t total = 0;
  while (!timed_out_ && total < linger_bytes_max) {
    const size_t bytes = co_await stream_->read_some(dropped);
    if (bytes == 0) co_return;
    total += bytes;
  }
}

}  // namespace hilo::http
