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
  return {open_route("/health", ready), open_route("/health/ready", ready),
          open_route("/ping", ready), open_route("/health/live", live)};
}

}  // namespace hilo::http
