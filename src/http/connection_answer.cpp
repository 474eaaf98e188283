// How a connection answers a request that is whole: by its route, a thread for what is large, and
// the engine.
#include <algorithm>

#include <fmt/format.h>

#include "http/connection.h"
#include "http/openai.h"
#include "http/request_rules.h"

namespace hilo::http {
namespace {

constexpr uint32_t retry_ms_without_engine = 1000;
// The client has hung up, so nobody is told; the log is, by the number that others use for it.
constexpr unsigned status_hung_up = 499;

Outcome<Lane> lane_of(const Request& request, const Work& work, const Caller& caller,
                      Service& service) {
  const auto header = read_lane(request);
  if (!header) return header.error();
  const auto lane =
      choose_lane({.path = request.path_lane,
                   .header = *header,
                   .body = work.priority,
                   .caller = caller.lanes,
                   .high_offered = service.engine.client(Lane::high, false) != nullptr,
                   .low_offered = service.engine.client(Lane::low, false) != nullptr,
                   .texts = work.size(),
                   .automatic_high_texts_max = service.options.auto_high_texts});
  if (lane) return *lane;
  return Problem{.kind = lane.error() == NoLane::contradiction ? ProblemKind::bad_request
                                                               : ProblemKind::forbidden,
                 .message = describe(lane.error())};
}

Problem no_engine(const Service& service) {
  return {.kind = ProblemKind::unavailable,
          .message = service.engine.absence(),
          .retry_after_ms = retry_ms_without_engine};
}

Problem engine_is_silent(const Call& call, const Limits& limits) {
  return {
      .kind = ProblemKind::expired,
      .message = call.deadline
                     ? "The time of X-Hilo-Timeout-Ms is over, and the engine has not answered."
                     : fmt::format("The engine has not answered for {} s.", limits.engine_seconds)};
}

}  // namespace

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
    co_return route.write_problem(no_engine(service_));
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
  // It may have gone while the bulk thread parsed. Then it offers no lane, but denies none either.
  if (!service_.engine.connected()) co_return route.write_problem(no_engine(service_));
  const auto lane = lane_of(request, exchange.work, caller, service_);
  if (!lane) co_return route.write_problem(lane.error());
  record_.lane = *lane;
  record_.texts = exchange.work.size();

  const bool every_token = exchange.work.every_token;
  const size_t size = service_.engine.size_of(exchange.work);
  EngineClient* const client = service_.engine.client(*lane, every_token);
  if (client == nullptr)
    co_return route.write_problem(
        {.kind = ProblemKind::unavailable,
         .message = "The engine had no channel left for vectors of tokens.",
         .retry_after_ms = retry_ms_without_engine});
  LaneRoom& room = service_.engine.room(*lane, every_token);
  if (!room.take(size, record_.texts))
    co_return route.write_problem(
        {.kind = ProblemKind::overloaded,
         .message = fmt::format("As many {} texts wait as may.", name_of(*lane)),
         .retry_after_ms = room.retry_ms(size)});
  room_.emplace(room, size, record_.texts);

  Call call{.work = std::move(exchange.work)};
  if (*timeout) call.deadline = record_.received + **timeout * millisecond_ns;
  call.finished = [this] { waiter_.wake(); };
  client->begin(call);
  if (!co_await await_result(call)) {
    client->abandon(call);  // A lost engine ends its calls, so the client is still there.
    if (hung_up_) co_return Response{.status = status_hung_up};
    co_return route.write_problem(engine_is_silent(call, service_.options.limits));
  }
  record_.computed = record_.written = monotonic_now();
  if (call.problem) co_return route.write_problem(*call.problem);

  size_t truncated = 0;
  for (const Vectors::Fact& fact : call.vectors.facts) {
    record_.tokens += fact.tokens;
    record_.engine_ns_max = std::max(record_.engine_ns_max, fact.engine_ns);
    truncated += fact.truncated ? 1 : 0;
  }
  // The worst was counted. A client that reads slowly shall not have all of it meanwhile.
  if (every_token) room_->shrink_to(call.vectors.floats());
  call.vectors.took_ns = record_.computed - record_.received;
  Response response = co_await write_out(exchange, call.vectors);
  record_.written = monotonic_now();
  response.headers.emplace_back("X-Hilo-Lane", *lane == Lane::high ? "high" : "low");
  if (truncated > 0) response.headers.emplace_back("X-Hilo-Truncated", std::to_string(truncated));
  co_return response;
}

// False: the client hung up before, or the engine has had its time. A hang-up is looked for from
// the next tick on: most calls are over by then, and a watch costs as much as reading the request.
Awaitable<bool> Connection::await_result(Call& call) {
  enter(Phase::compute, service_.options.limits.engine_seconds);
  if (call.deadline) deadline_ = *call.deadline + engine_grace_ns;
  watched_ = false;
  while (!call.over && !hung_up_ && !timed_out_) co_await waiter_.wait();
  phase_ = Phase::answer;
  stream_->unwatch();
  co_return call.over;
}

// Many vectors of tokens are written one input a job, so that others have the bulk thread between.
Awaitable<Response> Connection::write_out(const Exchange& exchange, Vectors& vectors) {
  Response response;
  const bool at_once = vectors.floats() <= floats_at_once;
  const size_t jobs = exchange.write_input ? vectors.size() : 1;
  for (size_t job = 0; job < jobs; ++job) {
    const auto write = [&, job] {
      if (exchange.write_input)
        exchange.write_input(response, vectors, job);
      else
        response = exchange.write(vectors);
    };
    if (at_once)
      write();
    else
      co_await on(service_.bulk, write);
  }
  co_return response;
}

Awaitable<void> Connection::on(BulkThread& thread, std::function<void()> work) {
  bool done = false;
  thread.run(std::move(work), [this, &done] {
    done = true;
    waiter_.wake();
  });
  while (!done) co_await waiter_.wait();
}

}  // namespace hilo::http
