// The routes that OpenAI's clients speak: embeddings and models, and their form of an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"

namespace hilo::http {

std::vector<Route> openai_routes();

// A GET that needs neither an engine nor a key, with this family's form of an error.
Route open_route(std::string_view path, Answer (*handle)(const Request&, const Context&));

// {"error": {"message": ..., "type": ..., "param": ..., "code": ...}}. Also the form of problems
// that come before a route is known.
Response write_openai_problem(const Problem& problem);

// What a body of /v1/embeddings asks for.
struct EmbeddingsRequest {
  Work work;
  bool base64 = false;
  size_t dims = 0;  // the first so many floats, made a unit vector again; 0: all
};
Outcome<EmbeddingsRequest> read_embeddings_request(const std::string& body, const Context& context);
Response write_embeddings(const Vectors& vectors, const EmbeddingsRequest& request,
                          std::string_view model);

}  // namespace hilo::http
