// The live page at /, the documentation of the routes at /docs, and the files that they are made
// of. They ask for nothing from elsewhere, and a browser is told to let them ask for nothing.
#pragma once

#include <vector>

#include "http/exchange.h"

namespace hilo::http {

std::vector<Route> page_routes();

}  // namespace hilo::http
