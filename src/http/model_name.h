// Whether a model that a client names is the one that is served.
#pragma once

#include <string_view>

#include "http/exchange.h"

namespace hilo::http {

// The model's own name, also behind the name of an organisation ("org/name"), or any name where
// that was allowed.
bool is_served(std::string_view name, const Context& context);
Problem no_such_model(std::string_view name, const Context& context);

}  // namespace hilo::http
