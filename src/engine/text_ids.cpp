#include "engine/text_ids.h"

#include <algorithm>

namespace hilo {

Encoding ids_of_text(const Tokenizer* tokenizer, std::string_view text, TokenizerScratch& scratch,
                     std::span<uint32_t> ids) {
  if (tokenizer != nullptr)
    return tokenizer->encode(text, {.tokens_max = static_cast<uint32_t>(ids.size())}, scratch, ids);
  const size_t tokens = std::min(text.size(), ids.size());
  std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(tokens), ids.begin(),
                 [](char byte) { return static_cast<uint32_t>(static_cast<uint8_t>(byte)); });
  return {.tokens = static_cast<uint32_t>(tokens), .truncated = tokens < text.size()};
}

}  // namespace hilo
