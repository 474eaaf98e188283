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
  const auto route = [](std::string_view path, Answer (*handle)(const Request&, const Context&)) {
    return Route{.method = "GET",
                 .path = path,
                 .handle = handle,
                 .write_problem = write_openai_problem,
                 .needs_engine = false,
                 .needs_key = false};
  };
  return {route("/health", ready), route("/health/ready", ready), route("/ping", ready),
          route("/health/live", live)};
}

}  // namespace hilo::http
