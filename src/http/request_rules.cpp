#include "http/request_rules.h"

#include <charconv>

#include <fmt/format.h>

#include "http/gzip.h"
#include "http/limits.h"

namespace hilo::http {

Outcome<std::optional<uint32_t>> read_timeout_ms(const Request& request) {
  const auto text = request.header("X-Hilo-Timeout-Ms");
  if (!text) return std::optional<uint32_t>{};
  uint32_t ms = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ms);
  if (error == std::errc{} && end == text->data() + text->size() && ms >= 1 && ms <= timeout_ms_max)
    return std::optional{ms};
  return Problem{.message = fmt::format("X-Hilo-Timeout-Ms must be a whole number from 1 to {}.",
                                        timeout_ms_max)};
}

Outcome<std::optional<LaneWish>> read_lane(const Request& request) {
  const auto word = request.header("X-Hilo-Lane");
  if (!word) return std::optional<LaneWish>{};
  if (const auto wish = lane_wish_of(*word)) return wish;
  return Problem{.message = "X-Hilo-Lane must be high, low or auto."};
}

Outcome<bool> is_packed(const Request& request) {
  const auto encoding = request.header("Content-Encoding");
  if (!encoding || same_ignoring_case(*encoding, "identity")) return false;
  if (same_ignoring_case(*encoding, "gzip") || same_ignoring_case(*encoding, "x-gzip")) return true;
  return Problem{.kind = ProblemKind::unknown_encoding,
                 .message = "The only Content-Encoding that is understood is gzip."};
}

Outcome<void> unpack(Request& request, size_t bytes_max) {
  auto unpacked = unpack_gzip(request.body, bytes_max);
  if (!unpacked) return unpacked.error();
  request.body = std::move(*unpacked);
  return {};
}

Problem no_such_route(const Request& request) {
  constexpr size_t path_bytes_told = 200;
  return {
      .kind = ProblemKind::no_such_route,
      .message = fmt::format("There is nothing at '{}'.", request.path.substr(0, path_bytes_told))};
}

}  // namespace hilo::http
