// A request and a response as plain values. Only connection.cpp knows how they cross the wire.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/lane_choice.h"

namespace hilo::http {

struct Header {
  std::string_view name;
  std::string_view value;
};

inline bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Its views live as long as the connection works on the request.
struct Request {
  std::string_view method;
  std::string_view path;   // without the prefix /high or /low, and without the query
  std::string_view query;  // without its question mark
  std::optional<LaneWish> path_lane;
  std::vector<Header> headers;
  std::string body;  // unpacked

  std::optional<std::string_view> header(std::string_view name) const {
    for (const Header& header : headers)
      if (same_ignoring_case(header.name, name)) return header.value;
    return std::nullopt;
  }
};

inline constexpr unsigned status_not_modified = 304;

struct Response {
  unsigned status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers =
      {};  // besides type, length and connection
};

}  // namespace hilo::http
