#include "engine/text_ids.h"

#include <algorithm>

#include "base/ensure.h"

namespace hilo {
namespace {

Encoding ids_of_bytes(const TextInput& input, std::span<uint32_t> ids) {
  const size_t tokens = std::min(input.text.size(), ids.size());
  const std::string_view kept = input.truncate_left ? input.text.substr(input.text.size() - tokens)
                                                    : input.text.substr(0, tokens);
  std::ranges::transform(kept, ids.begin(), [](char byte) { return static_cast<uint8_t>(byte); });
  return {.tokens = static_cast<uint32_t>(tokens), .truncated = tokens < input.text.size()};
}

}  // namespace

Encoding ids_of_text(const Tokenizer* tokenizer, const TextInput& input, TokenizerScratch& scratch,
                     const TokenRoom& room) {
  ENSURE(tokenizer != nullptr || !input.second);
  ENSURE(tokenizer != nullptr || room.types.empty());
  if (tokenizer == nullptr) return ids_of_bytes(input, room.ids);
  const EncodeOptions options{.tokens_max = static_cast<uint32_t>(room.ids.size()),
                              .truncate_left = input.truncate_left};
  if (!input.second) return tokenizer->encode(input.text, options, scratch, room.ids, room.types);
  return tokenizer->encode_pair({input.text, *input.second}, options, scratch, room.ids,
                                room.types);
}

}  // namespace hilo
