// One client's connection: requests come in one after the other, each is answered before the next
// is read. The order of things is here; what they are is in the routes and in the engine's client.
//
// Threads: the io thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/request_reader.h"
#include "http/request_record.h"
#include "http/service.h"
#include "http/stream.h"
#include "http/waiter.h"

namespace hilo::http {

class Connection {
 public:
  // `client` is where it comes from, for the log.
  Connection(Service& service, std::unique_ptr<Stream> stream, std::string client);

  // Serves until either side has had enough.
  Awaitable<void> run();

  // Breaks off what has taken too long.
  void tick(Instant now);
  // No further request is read; the one under way is answered.
  void end_when_idle();
  void end_now();

 private:
  // What the connection waits for, which decides what its deadline means.
  enum class Phase { idle, header, body, answer, compute, write };

  Awaitable<bool> serve_one();
  Awaitable<std::optional<Problem>> receive();
  std::optional<Problem> refuse_early();
  Response refuse(const Problem& problem, const Request& request);
  Awaitable<bool> read_more();
  Awaitable<Response> answer(Request& request);
  Awaitable<Response> follow_route(const Route& route, const Caller& caller, Request& request);
  Awaitable<Answer> handle(const Route& route, Request& request);
  Awaitable<Response> compute(const Route& route, const Caller& caller, const Request& request,
                              Exchange exchange);
  Awaitable<bool> await_result(Call& call);
  Awaitable<Response> write_out(const Exchange& exchange, Vectors& vectors);
  Awaitable<void> on(BulkThread& thread, std::function<void()> work);
  Awaitable<bool> send(const Response& response, bool keep_open, bool head_only);
  Awaitable<bool> write(std::string_view bytes);
  Awaitable<void> linger();
  void enter(Phase phase, double seconds);
  // So many bytes of bodies are this connection's; 0 gives them back.
  void count_body(size_t bytes);

  Service& service_;
  std::unique_ptr<Stream> stream_;
  const std::string client_;
  Waiter waiter_;
  RequestReader reader_;
  RequestRecord record_;
  Phase phase_ = Phase::idle;
  Instant deadline_{};
  size_t body_counted_ = 0;
  bool timed_out_ = false;
  bool watched_ = false;  // A hang-up while the engine computes is seen.
  bool ending_ = false;
  bool hung_up_ = false;
  // While a response is not written out, the lane's room for it is taken.
  std::optional<RoomTaken> room_;
};

}  // namespace hilo::http
