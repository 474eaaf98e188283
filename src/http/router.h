// Finds the route of a request by method and path.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http/exchange.h"

namespace hilo::http {

// The path without a base URL /high or /low, and what that base URL says.
struct LanePath {
  std::optional<LaneWish> lane;
  std::string_view path;
};
LanePath split_lane(std::string_view path);

// A path that there is, but not for this method.
struct WrongMethod {
  std::string allowed = {};  // for the header Allow
  Response (*write_problem)(const Problem&) = nullptr;
};
struct NoRoute {};

class Router {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

  std::span<const Route> routes() const { return routes_; }
  // HEAD finds the route of GET. The path is one without a lane.
  std::variant<const Route*, WrongMethod, NoRoute> find(std::string_view method,
                                                        std::string_view path) const;

 private:
  const std::vector<Route> routes_;
};

}  // namespace hilo::http
