#include "http/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include "http/openai.h"
#include "http/request_rules.h"
#include "http/response_head.h"

namespace hilo::http {
namespace {

constexpr double linger_seconds = 2;
constexpr size_t linger_bytes_max = 64 * 1024 * 1024;
constexpr uint32_t retry_ms_without_engine = 1000;
constexpr std::string_view leave_to_send = "HTTP/1.1 100 Continue\r\n\r\n";
// The client has hung up, so nobody is told; the log is, by the number that others use for it.
constexpr unsigned status_hung_up = 499;

Outcome<Lane> lane_of(const Request& request, const Work& work, const Caller& caller,
                      Service& service) {
  const auto header = read_lane(request);
  if (!header) return header.error();
  const auto lane = choose_lane({.path = request.path_lane,
                                 .header = *header,
                                 .body = work.priority,
                                 .caller = caller.lanes,
                                 .high_offered = service.engine.client(Lane::high) != nullptr,
                                 .low_offered = service.engine.client(Lane::low) != nullptr,
                                 .texts = work.size(),
                                 .automatic_high_texts_max = service.options.auto_high_texts});
  if (lane) return *lane;
  return Problem{.kind = lane.error() == NoLane::contradiction ? ProblemKind::bad_request
                                                               : ProblemKind::forbidden,
                 .message = describe(lane.error())};
}

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
  if (phase_ == Phase::answer || phase_ == Phase::compute || timed_out_ || now < deadline_) return;
  timed_out_ = true;
  stream_->cancel();
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
    Request request;
    Response response;
    // Of a request that is refused before it is whole, the header may be known.
    if (reader_.state() != RequestReader::State::header) {
      request = whole ? reader_.take() : reader_.head();
      record_.request = &request;
    }
    record_.tag = service_.tags.of(request);
    // No ?: here: g++ 12 destroys what is awaited in one twice.
    if (problem)
      response = refuse(*problem);
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

Response Connection::refuse(const Problem& problem) {
  record_.received = record_.parsed = record_.computed = record_.written = monotonic_now();
  const auto write = record_.route == nullptr ? write_openai_problem : record_.route->write_problem;
  return write(problem);
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
                        .retry_after_ms = retry_ms_without_engine};
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
  record_.route = *route;
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

Awaitable<Response> Connection::answer(Request& request) {
  if (auto response = service_.cors.preflight(request)) co_return std::move(*response);
  const auto found = service_.router.find(request.method, request.path);
  if (std::holds_alternative<NoRoute>(found))
    co_return write_openai_problem(no_such_route(request));
  if (const auto* const wrong = std::get_if<WrongMethod>(&found)) {
    Response response =
        wrong->write_problem({.kind = ProblemKind::wrong_method,
                              .message = fmt::format("'{}' takes {}, not {}.", request.path,
                                                     wrong->allowed, request.method)});
    response.headers.emplace_back("Allow", wrong->allowed);
    co_return response;
  }
  const Route& route = *std::get<const Route*>(found);
  record_.route = &route;
  const auto caller = service_.access.admit(route, request);
  if (!caller) co_return route.write_problem(caller.error());
  record_.caller = caller->name;
  co_return co_await follow_route(route, *caller, request);
}

Awaitable<Response> Connection::follow_route(const Route& route, const Caller& caller,
                                             Request& request) {
  if (route.needs_engine && !service_.engine.connected())
    co_return route.write_problem({.kind = ProblemKind::unavailable,
                                   .message = service_.engine.absence(),
                                   .retry_after_ms = retry_ms_without_engine});
  Answer answer = co_await handle(route, request);
  std::string{}.swap(request.body);  // What the route needs of it has been copied.
  record_.parsed = record_.computed = record_.written = monotonic_now();
  if (auto* const response = std::get_if<Response>(&answer)) co_return std::move(*response);
  if (const auto* const problem = std::get_if<Problem>(&answer))
    co_return route.write_problem(*problem);
  if (const auto* const errand = std::get_if<Errand>(&answer)) {
    Response response;
    co_await on(service_.errands, [&] { response = errand->run(); });
    co_return response;
  }
  Exchange exchange = std::get<Exchange>(std::move(answer));
  co_return co_await compute(route, caller, request, std::move(exchange));
}

Awaitable<Answer> Connection::handle(const Route& route, Request& request) {
  const Context context = service_.context();
  const auto packed = is_packed(request);
  if (!packed) co_return packed.error();
  if (!*packed && request.body.size() <= route.bytes_at_once)
    co_return route.handle(request, context);
  // Its sentence may change meanwhile.
  const std::string absence{context.absence};
  Answer answer;
  co_await on(service_.bulk, [&] {
    Context copy = context;
    copy.absence = absence;
    Outcome<void> ready;
    if (*packed) ready = unpack(request, context.limits.body_bytes_max);
    answer = ready ? route.handle(request, copy) : Answer{ready.error()};
  });
  co_return answer;
}

Awaitable<Response> Connection::compute(const Route& route, const Caller& caller,
                                        const Request& request, Exchange exchange) {
  const auto timeout = read_timeout_ms(request);
  if (!timeout) co_return route.write_problem(timeout.error());
  const auto lane = lane_of(request, exchange.work, caller, service_);
  if (!lane) co_return route.write_problem(lane.error());
  record_.lane = *lane;
  record_.texts = exchange.work.size();

  LaneRoom& room = service_.engine.room(*lane);
  if (!room.take(record_.texts))
    co_return route.write_problem(
        {.kind = ProblemKind::overloaded,
         .message = fmt::format("As many {} texts wait as may.", name_of(*lane)),
         .retry_after_ms = room.retry_ms(record_.texts)});
  room_.emplace(room, record_.texts);

  Call call{.work = std::move(exchange.work)};
  if (*timeout) call.deadline = record_.received + **timeout * millisecond_ns;
  call.finished = [this] { waiter_.wake(); };
  service_.engine.client(*lane)->begin(call);
  if (!co_await await_result(call)) {
    // A lost engine ends its calls, so the client is still the one that has this one.
    service_.engine.client(*lane)->abandon(call);
    co_return Response{.status = status_hung_up};
  }
  record_.computed = record_.written = monotonic_now();
  if (call.problem) co_return route.write_problem(*call.problem);

  size_t truncated = 0;
  for (const Vectors::Fact& fact : call.vectors.facts) {
    record_.tokens += fact.tokens;
    record_.engine_ns_max = std::max(record_.engine_ns_max, fact.engine_ns);
    truncated += fact.truncated ? 1 : 0;
  }
  call.vectors.took_ns = record_.computed - record_.received;
  Response response;
  if (call.vectors.values.size() <= floats_at_once)
    response = exchange.write(call.vectors);
  else
    co_await on(service_.bulk, [&] { response = exchange.write(call.vectors); });
  record_.written = monotonic_now();
  response.headers.emplace_back("X-Hilo-Lane", *lane == Lane::high ? "high" : "low");
  if (truncated > 0) response.headers.emplace_back("X-Hilo-Truncated", std::to_string(truncated));
  co_return response;
}

// False: the client hung up before. That is looked for from the next tick on: most calls are over
// by then, and a watch costs as much as reading the request.
Awaitable<bool> Connection::await_result(Call& call) {
  phase_ = Phase::compute;
  watched_ = false;
  while (!call.over && !hung_up_) co_await waiter_.wait();
  phase_ = Phase::answer;
  stream_->unwatch();
  co_return call.over;
}

Awaitable<void> Connection::on(BulkThread& thread, std::function<void()> work) {
  bool done = false;
  thread.run(std::move(work), [this, &done] {
    done = true;
    waiter_.wake();
  });
  while (!done) co_await waiter_.wait();
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
