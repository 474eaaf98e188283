// Documents in the order of their relevance, in the form of Cohere and Jina.
#pragma once

#include <vector>

#include "http/exchange.h"

namespace hilo::http {

std::vector<Route> rerank_routes();

}  // namespace hilo::http
