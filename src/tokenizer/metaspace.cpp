#include "tokenizer/metaspace.h"

#include <algorithm>

#include "tokenizer/normalizer.h"

namespace hilo {

size_t Metaspace::word_bytes(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<uint8_t>(text[at]);
    if (byte > 0x20 && byte < 0x80) {
      ++at;
      continue;
    }
    const DecodedCharacter decoded = decode_first(text.substr(at));
    if (is_whitespace(decoded.code_point)) return at;
    at += decoded.bytes;
  }
  return at;
}

void Metaspace::mark(std::string_view segment, bool is_first, std::string& word) const {
  word.clear();
  const bool has_mark = segment.starts_with(' ') || segment.starts_with(space_.view());
  const bool prepends = options_.prepend == PrependScheme::always ||
                        (options_.prepend == PrependScheme::first && is_first);
  if (prepends && !has_mark) word += space_.view();
  while (!segment.empty()) {
    const size_t bytes = std::min(segment.find(' '), segment.size());
    word += segment.substr(0, bytes);
    segment.remove_prefix(bytes);
    if (segment.empty()) break;
    word += space_.view();
    segment.remove_prefix(1);
  }
}

}  // namespace hilo
