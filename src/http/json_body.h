// Reading a JSON body: the fields that a route knows, and sentences about what is wrong with them.
// Costs a file that includes it some two seconds to compile.
#pragma once

#include <optional>
#include <simdjson.h>
#include <span>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "http/problem.h"

namespace hilo::http {

struct JsonField {
  std::string_view name;
  std::optional<simdjson::dom::element> value = {};  // none where it is absent or null
};

// Parses the body, which must be an object, and finds the fields in it. A field that comes twice is
// a problem; others than those asked for are passed over. The values live until the next call in
// this thread.
Outcome<void> read_object(const std::string& body, std::span<JsonField> fields);
// The same of a field that is there, which must be an object.
Outcome<void> read_object(const JsonField& field, std::span<JsonField> fields);

Outcome<void> require(const JsonField& field);
Outcome<std::optional<std::string_view>> optional_text(const JsonField& field);
Outcome<std::optional<bool>> optional_flag(const JsonField& field);
// A whole number from min to max.
Outcome<std::optional<uint32_t>> optional_number(const JsonField& field, uint32_t min,
                                                 uint32_t max);
// The field `priority`.
Outcome<std::optional<LaneWish>> optional_lane(const JsonField& field);

Problem wrong_field(std::string_view name, std::string message);
// "a string", "a number": what a value is, for sentences.
const char* kind_of(simdjson::dom::element value);

}  // namespace hilo::http
