// Extended grapheme clusters: what a reader takes for one character (Unicode, annex 29).
#pragma once

#include <cstddef>
#include <string_view>

namespace hilo {

// The bytes of the cluster that begins `text`, which is valid UTF-8 and not empty.
size_t grapheme_bytes(std::string_view text);

}  // namespace hilo
