// Text to the ids that a backend takes: a tokenizer's or, for backends without a model, the bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tokenizer/tokenizer.h"

namespace hilo {

// Fills `ids` as far as the text goes; what does not fit is cut off at the end. `tokenizer` may be
// null.
Encoding ids_of_text(const Tokenizer* tokenizer, std::string_view text, TokenizerScratch& scratch,
                     std::span<uint32_t> ids);

}  // namespace hilo
