#include "tokenizer/metaspace.h"

#include <algorithm>

#include "tokenizer/normalizer.h"
#include "tokenizer/rewriter.h"

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

void Metaspace::mark(AlignedView segment, AlignedBuffer& word) const {
  Rewriter marked(segment, word);
  std::string_view rest = segment.text;
  const bool has_mark = rest.starts_with(' ') || rest.starts_with(space_.view());
  // What comes from the first character of a text begins it, however much that is.
  const bool prepends =
      options_.prepend == PrependScheme::always ||
      (options_.prepend == PrependScheme::first && segment.source_of(0, 1).begin == 0);
  if (prepends && !has_mark) rest.remove_prefix(marked.prepend(space_.view()));
  while (!rest.empty()) {
    const size_t bytes = std::min(rest.find(' '), rest.size());
    marked.keep(rest.substr(0, bytes));
    rest.remove_prefix(bytes);
    if (rest.empty()) break;
    marked.put(space_.view(), 0);
    rest.remove_prefix(1);
  }
}

}  // namespace hilo
