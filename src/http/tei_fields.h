// What the routes of TEI have in common: fields of bodies, and headers that tell of times.
#pragma once

#include <string>

#include "http/exchange.h"
#include "http/json_body.h"

namespace hilo::http {

// Without `truncate`, what is too long is cut.
Outcome<Truncation> read_truncation(const JsonField& truncate, const JsonField& direction);
// One of the model's prompts; empty if there is none.
Outcome<std::string> read_prompt_name(const JsonField& field, const Context& context);

// What the headers x-compute-... tell of a request before it is computed.
struct TeiCost {
  size_t characters = 0;  // an id counts as one
  std::string backend;
};
TeiCost cost_of(const Work& work, const Context& context);
void add_cost_headers(Response& response, const TeiCost& cost, const Vectors& vectors);

}  // namespace hilo::http
