#include "http/router.h"

#include <algorithm>

namespace hilo::http {
namespace {

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  pattern.remove_suffix(1);
  return path.size() > pattern.size() && path.starts_with(pattern);
}

}  // namespace

LanePath split_lane(std::string_view path) {
  for (const auto& [prefix, lane] : {std::pair{std::string_view{"/high"}, LaneWish::high},
                                     std::pair{std::string_view{"/low"}, LaneWish::low}}) {
    if (!path.starts_with(prefix)) continue;
    const std::string_view rest = path.substr(prefix.size());
    if (rest.empty()) return {lane, "/"};
    if (rest.front() == '/') return {lane, rest};
  }
  return {std::nullopt, path};
}

std::variant<const Route*, WrongMethod, NoRoute> Router::find(std::string_view method,
                                                              std::string_view path) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  WrongMethod wrong{};
  for (const Route& route : routes_) {
    if (!matches(route.path, path)) continue;
    if (route.method == wanted) return &route;
    wrong.write_problem = route.write_problem;
    wrong.allowed += (wrong.allowed.empty() ? "" : ", ") + std::string{route.method};
    if (route.method == "GET") wrong.allowed += ", HEAD";
  }
  if (wrong.allowed.empty()) return NoRoute{};
  return wrong;
}

}  // namespace hilo::http
