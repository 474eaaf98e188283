// Which pages of other origins may call this server from a browser. None, unless they are named.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"

namespace hilo::http {

class Cors {
 public:
  // As browsers write them, "https://example.com:8443", or "*" for all.
  explicit Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  // The answer to a browser that asks whether it may send a request; none if it does not ask, or
  // may not.
  std::optional<Response> preflight(const Request& request) const;
  // Lets the page that sent the request read the response.
  void permit(const Request& request, Response& response) const;

 private:
  // Whom the response names; empty: the page may not.
  std::string_view permitted(const Request& request) const;

  std::vector<std::string> origins_;
};

}  // namespace hilo::http
