// The routes of Hugging Face's text-embeddings-inference (TEI), and their form of an error.
#pragma once

#include <vector>

#include "http/exchange.h"

namespace hilo::http {

std::vector<Route> tei_routes();

// {"error": ..., "error_type": ...}, with TEI's statuses.
Response write_tei_problem(const Problem& problem);

}  // namespace hilo::http
