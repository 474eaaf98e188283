#include "http/json_body.h"

#include <vector>

#include <fmt/format.h>

namespace hilo::http {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr size_t parser_bytes_kept = 1024 * 1024;

// One for each thread, so that its buffers are had once. What a huge body needed is given back.
simdjson::dom::parser& parser_of_thread(size_t bytes) {
  thread_local simdjson::dom::parser parser;
  if (parser.capacity() > parser_bytes_kept && bytes <= parser_bytes_kept)
    parser = simdjson::dom::parser{};
  return parser;
}

std::string describe(simdjson::error_code error) {
  switch (error) {
    case simdjson::DEPTH_ERROR:
      return "it is nested too deeply";
    case simdjson::UTF8_ERROR:
      return "it is not valid UTF-8";
    case simdjson::STRING_ERROR:
      return "a string has an escape that stands for no character, such as half of a surrogate "
             "pair";
    case simdjson::NUMBER_ERROR:
      return "a number is malformed or too large";
    case simdjson::UNESCAPED_CHARS:
      return "a string holds a control character that is not escaped";
    case simdjson::UNCLOSED_STRING:
      return "a string is not closed";
    case simdjson::EMPTY:
      return "it is empty";
    default:
      return "its syntax is broken";
  }
}

Outcome<void> find_fields(simdjson::dom::object object, std::span<JsonField> fields) {
  std::vector<bool> seen(fields.size());
  for (const auto& [key, value] : object) {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].name != key) continue;
      if (seen[i]) return wrong_field(key, fmt::format("'{}' is there more than once.", key));
      seen[i] = true;
      if (!value.is_null()) fields[i].value = value;
    }
  }
  return {};
}

}  // namespace

Problem wrong_field(std::string_view name, std::string message) {
  return {
      .kind = ProblemKind::bad_request, .message = std::move(message), .field = std::string{name}};
}

const char* kind_of(element value) {
  switch (value.type()) {
    case element_type::ARRAY:
      return "a list";
    case element_type::OBJECT:
      return "an object";
    case element_type::STRING:
      return "a string";
    case element_type::BOOL:
      return "true or false";
    case element_type::NULL_VALUE:
      return "null";
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
      return "a number";
  }
  return "something else";
}

Outcome<void> read_object(const std::string& body, std::span<JsonField> fields) {
  element root;
  if (const auto error = parser_of_thread(body.size()).parse(body).get(root))
    return Problem{.kind = ProblemKind::malformed_json,
                   .message = fmt::format("The body is not valid JSON: {}.", describe(error))};
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS)
    return Problem{.message =
                       fmt::format("The body must be a JSON object, not {}.", kind_of(root))};
  return find_fields(object, fields);
}

Outcome<void> read_object(const JsonField& field, std::span<JsonField> fields) {
  simdjson::dom::object object;
  if (field.value->get(object) == simdjson::SUCCESS) return find_fields(object, fields);
  return wrong_field(field.name, fmt::format("'{}' must be an object, not {}.", field.name,
                                             kind_of(*field.value)));
}

Outcome<void> require(const JsonField& field) {
  if (field.value) return {};
  return wrong_field(field.name, fmt::format("The field '{}' is missing.", field.name));
}

Outcome<std::optional<std::string_view>> optional_text(const JsonField& field) {
  if (!field.value) return std::optional<std::string_view>{};
  std::string_view text;
  if (field.value->get(text) == simdjson::SUCCESS) return std::optional{text};
  return wrong_field(
      field.name, fmt::format("'{}' must be a string, not {}.", field.name, kind_of(*field.value)));
}

Outcome<std::optional<bool>> optional_flag(const JsonField& field) {
  if (!field.value) return std::optional<bool>{};
  bool flag = false;
  if (field.value->get(flag) == simdjson::SUCCESS) return std::optional{flag};
  return wrong_field(field.name, fmt::format("'{}' must be true or false, not {}.", field.name,
                                             kind_of(*field.value)));
}

Outcome<std::optional<uint32_t>> optional_number(const JsonField& field, uint32_t min,
                                                 uint32_t max) {
  if (!field.value) return std::optional<uint32_t>{};
  uint64_t number = 0;
  if (field.value->get(number) == simdjson::SUCCESS && number >= min && number <= max)
    return std::optional{static_cast<uint32_t>(number)};
  return wrong_field(
      field.name, fmt::format("'{}' must be a whole number from {} to {}.", field.name, min, max));
}

Outcome<std::optional<LaneWish>> optional_lane(const JsonField& field) {
  auto word = optional_text(field);
  if (!word) return word.error();
  if (!*word) return std::optional<LaneWish>{};
  if (const auto wish = lane_wish_of(**word)) return wish;
  return wrong_field(field.name,
                     fmt::format("'{}' must be \"high\", \"low\" or \"auto\".", field.name));
}

}  // namespace hilo::http
