// Who may send requests, and which lanes they get.
#pragma once

#include <optional>

#include "http/api_keys.h"
#include "http/exchange.h"

namespace hilo::http {

class Access {
 public:
  // Without a file of keys, everybody.
  explicit Access(const LanePolicy& everybody) : everybody_{.name = "", .lanes = everybody} {}

  bool asks_for_keys() const { return keys_.has_value(); }
  void set_keys(ApiKeys keys) { keys_ = std::move(keys); }

  // The key comes as `Authorization: Bearer KEY` or as `X-Api-Key: KEY`.
  Outcome<Caller> admit(const Route& route, const Request& request) const;

 private:
  Caller everybody_;
  std::optional<ApiKeys> keys_;
};

}  // namespace hilo::http
