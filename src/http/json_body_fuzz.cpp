// Any bytes as a body, and every kind of field read from it: what is read is what nlohmann's parser
// finds there, and what is refused names its field.
#include <nlohmann/json.hpp>

#include "base/ensure.h"
#include "http/json_body.h"
#include "http/json_inputs.h"

namespace {

using namespace hilo::http;
using nlohmann::json;

const Limits limits{.texts_per_request_max = 4};
constexpr uint32_t number_min = 1;
constexpr uint32_t number_max = 1000;

// Each problem is of the field that it was read from.
template <class T>
void check_named(const Outcome<T>& read, const JsonField& field) {
  if (!read) ENSURE(read.error().field == field.name);
}

void check_flag(const JsonField& field, const json& found) {
  const auto read = optional_flag(field);
  check_named(read, field);
  ENSURE(static_cast<bool>(read) == (found.is_null() || found.is_boolean()));
  if (read && *read) ENSURE(**read == found.get<bool>());
}

void check_number(const JsonField& field, const json& found) {
  const auto read = optional_number(field, number_min, number_max);
  check_named(read, field);
  const bool right = found.is_number_integer() && found >= number_min && found <= number_max;
  ENSURE(static_cast<bool>(read) == (found.is_null() || right));
  if (read && *read) ENSURE(**read == found.get<uint32_t>());
}

void check_text(const JsonField& field, const json& found) {
  const auto read = optional_text(field);
  check_named(read, field);
  ENSURE(static_cast<bool>(read) == (found.is_null() || found.is_string()));
  if (read && *read) ENSURE(**read == found.get<std::string>());
}

void check_inputs(const JsonField& field, const json& found) {
  const auto work = read_inputs(field, limits);
  check_named(work, field);
  if (!work) return;
  const json& first = found.is_array() ? found.front() : found;
  const bool one = found.is_string() || first.is_number();
  ENSURE(work->size() == (one ? 1 : found.size()));
  for (size_t i = 0; i < work->texts.size(); ++i)
    ENSURE(work->texts[i] == (one ? found : found[i]).get<std::string>());
  for (size_t i = 0; i < work->tokens.size(); ++i)
    ENSURE(work->tokens[i].size() == (one ? found : found[i]).size());
}

json value_of(const json& object, std::string_view name) {
  return object.contains(name) ? object.at(std::string{name}) : json{};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string body{reinterpret_cast<const char*>(data), size};
  std::array<JsonField, 5> fields{{{"input"}, {"flag"}, {"number"}, {"text"}, {"lane"}}};
  if (!read_object(body, fields)) return 0;
  const json object = json::parse(body, nullptr, /*allow_exceptions=*/false);
  ENSURE(object.is_object());
  for (const JsonField& field : fields)
    ENSURE(field.value.has_value() == !value_of(object, field.name).is_null());
  check_inputs(fields[0], value_of(object, "input"));
  check_flag(fields[1], value_of(object, "flag"));
  check_number(fields[2], value_of(object, "number"));
  check_text(fields[3], value_of(object, "text"));
  check_named(optional_lane(fields[4]), fields[4]);
  return 0;
}
