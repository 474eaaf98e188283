#include "http/access.h"

#include <algorithm>

namespace hilo::http {
namespace {

constexpr std::string_view scheme = "Bearer ";

// Empty: none.
std::string_view key_in(const Request& request) {
  if (const auto said = request.header("Authorization")) {
    if (!same_ignoring_case(said->substr(0, scheme.size()), scheme)) return {};
    std::string_view key = said->substr(scheme.size());
    key.remove_prefix(std::min(key.find_first_not_of(' '), key.size()));
    return key;
  }
  return request.header("X-Api-Key").value_or(std::string_view{});
}

}  // namespace

Outcome<Caller> Access::admit(const Route& route, const Request& request) const {
  if (!keys_ || !route.needs_key) return everybody_;
  const std::string_view key = key_in(request);
  if (key.empty())
    return Problem{.kind = ProblemKind::unauthorized,
                   .message = "An API key is needed: send it as 'Authorization: Bearer KEY'."};
  if (const Caller* const caller = keys_->find(key)) return *caller;
  return Problem{.kind = ProblemKind::unauthorized, .message = "This API key is not known."};
}

}  // namespace hilo::http
