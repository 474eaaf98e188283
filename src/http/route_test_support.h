// Routes called as the server would, without one.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "http/exchange.h"

namespace hilo::http {

inline const Limits three_texts{.texts_per_request_max = 3};

class RoutesUnderTest {
 public:
  RoutesUnderTest(std::vector<Route> routes, const Context& context)
      : routes_(std::move(routes)), context_(context) {}

  const Route& route(std::string_view path) const {
    const auto found = std::ranges::find(routes_, path, &Route::path);
    EXPECT_NE(found, routes_.end()) << path;
    return *found;
  }
  Answer ask(std::string_view path, const std::string& body) const {
    Request request;
    request.method = route(path).method;
    request.path = path;
    request.body = body;
    return route(path).handle(request, context_);
  }
  // What is to be computed for a request that is right.
  Exchange exchange(std::string_view path, const std::string& body) const {
    Answer given = ask(path, body);
    if (const auto* const problem = std::get_if<Problem>(&given)) ADD_FAILURE() << problem->message;
    return std::get<Exchange>(std::move(given));
  }
  nlohmann::json answer(std::string_view path, const std::string& body) const {
    Answer given = ask(path, body);
    if (const auto* const problem = std::get_if<Problem>(&given)) ADD_FAILURE() << problem->message;
    return nlohmann::json::parse(std::get<Response>(given).body);
  }
  Problem problem(std::string_view path, const std::string& body) const {
    Answer given = ask(path, body);
    EXPECT_TRUE(std::holds_alternative<Problem>(given)) << body;
    return std::get<Problem>(std::move(given));
  }

 private:
  std::vector<Route> routes_;
  Context context_;
};

}  // namespace hilo::http
