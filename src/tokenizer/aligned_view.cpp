#include "tokenizer/aligned_view.h"

#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace hilo {

AlignedView to_valid_utf8(std::string_view text, bool with_sources, AlignedBuffer& copy) {
  const bool is_valid = is_valid_utf8(text);
  if (is_valid && !with_sources) return {text};
  copy.clear();
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter decoded = decode_first(text.substr(at));
    const EncodedCharacter character = encode_character(decoded.code_point);
    if (!is_valid) copy.text += character.view();
    if (with_sources) {
      copy.sources.insert(copy.sources.end(), character.size, offsets_of(at, decoded.bytes));
    }
    at += decoded.bytes;
  }
  return {is_valid ? text : copy.text, copy.view().sources};
}

}  // namespace hilo
