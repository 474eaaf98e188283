#include "cli/embed/text_item.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "protocol/bounds.h"
#include "tokenizer/tokenizer.h"

namespace hilo {

TextItemResult plain_item(std::string text) {
  if (text.size() > text_bytes_max)
    return BadText{fmt::format("has more than {} bytes", text_bytes_max)};
  if (!is_valid_utf8(text)) return BadText{"is not valid UTF-8"};
  return TextItem{.text = std::move(text), .id = {}};
}

TextItemResult json_item(const std::string& json, const std::string& field) {
  auto object = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return BadText{"is no JSON object"};
  const auto text = object.find(field);
  if (text == object.end()) return BadText{fmt::format("has no member \"{}\"", field)};
  if (!text->is_string()) return BadText{fmt::format("has a \"{}\" that is no string", field)};
  auto item = plain_item(std::move(text->get_ref<std::string&>()));
  if (!item) return item.error();
  if (const auto id = object.find("id"); id != object.end()) item->id = id->dump();
  return item;
}

}  // namespace hilo
