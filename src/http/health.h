// Whether this process lives, and whether it can serve.
#pragma once

#include <vector>

#include "http/exchange.h"

namespace hilo::http {

std::vector<Route> health_routes();

}  // namespace hilo::http
