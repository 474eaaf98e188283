// One text to embed, as a line of input gives it: the line itself, or a member of a JSON object.
#pragma once

#include <string>

#include "base/result.h"

namespace hilo {

struct TextItem {
  std::string text;
  std::string id;  // the object's "id" as JSON; empty: it has none
};

// Why a line is no text to embed, as the rest of a sentence: "is not valid UTF-8".
struct BadText {
  std::string cause;
};
using TextItemResult = Result<TextItem, BadText>;

TextItemResult plain_item(std::string text);
// The text in member `field` of the object in `json`.
TextItemResult json_item(const std::string& json, const std::string& field);

}  // namespace hilo
