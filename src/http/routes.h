// Every route that the server has. docs/HTTP.md and page/openapi.json tell what they are.
#pragma once

#include <vector>

#include "http/exchange.h"

namespace hilo::http {

std::vector<Route> all_routes();

}  // namespace hilo::http
