#include "http/cors.h"

#include <algorithm>

namespace hilo::http {
namespace {

constexpr const char* everybody = "*";
constexpr const char* seconds_remembered = "600";

}  // namespace

std::string_view Cors::permitted(const Request& request) const {
  if (origins_.empty()) return {};
  const auto origin = request.header("Origin");
  if (!origin) return {};
  if (std::ranges::find(origins_, everybody) != origins_.end()) return everybody;
  return std::ranges::find(origins_, *origin) != origins_.end() ? *origin : std::string_view{};
}

std::optional<Response> Cors::preflight(const Request& request) const {
  if (request.method != "OPTIONS" || !request.header("Access-Control-Request-Method"))
    return std::nullopt;
  if (permitted(request).empty()) return std::nullopt;
  Response response{.status = 204};
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST");
  // Clients in browsers send headers of their own, and none of them gives a page any right.
  if (const auto headers = request.header("Access-Control-Request-Headers"))
    response.headers.emplace_back("Access-Control-Allow-Headers", *headers);
  response.headers.emplace_back("Access-Control-Max-Age", seconds_remembered);
  return response;
}

void Cors::permit(const Request& request, Response& response) const {
  if (origins_.empty()) return;
  const std::string_view origin = permitted(request);
  // Whoever keeps responses must not give one to another origin.
  if (origin != everybody) response.headers.emplace_back("Vary", "Origin");
  if (origin.empty()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Expose-Headers", everybody);
}

}  // namespace hilo::http
