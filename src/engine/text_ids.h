// Text to the ids that a backend takes: a tokenizer's or, for backends without a model, the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tokenizer/tokenizer.h"

namespace hilo {

// One text, or two that become one sequence.
struct TextInput {
  std::string_view text;
  std::optional<std::string_view> second{};  // only with a tokenizer
  bool truncate_left = false;
};

// As many tokens as there may be. Types are written beside the ids unless they have no room.
struct TokenRoom {
  std::span<uint32_t> ids;
  std::span<uint8_t> types{};
};

// Fills the room as far as the input goes; what does not fit is cut off. `tokenizer` may be null.
Encoding ids_of_text(const Tokenizer* tokenizer, const TextInput& input, TokenizerScratch& scratch,
                     const TokenRoom& room);

}  // namespace hilo
