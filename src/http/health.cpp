#include "http/health.h"

#include "http/json_writer.h"
#include "http/openai.h"

namespace hilo::http {
namespace {

Answer live(const Request&, const Context&) { return Response{.body = R"({"status":"live"})"}; }

Answer ready(const Request&, const Context& context) {
  if (context.draining)
    return Problem{.kind = ProblemKind::unavailable, .message = "This server is shutting down."};
  if (!context.connected)
    return Problem{.kind = ProblemKind::unavailable, .message = std::string{context.absence}};
  return Response{.body = R"({"status":"ready"})"};
}

}  // namespace

std::vector<Route> health_routes() {
  return {{"GET", "/health", ready, write_openai_problem, false},
          {"GET", "/health/ready", ready, write_openai_problem, false},
          {"GET", "/ping", ready, write_openai_problem, false},
          {"GET", "/health/live", live, write_openai_problem, false}};
}

}  // namespace hilo::http
