// Text to words to ids: normalizer, pre-tokenizer and WordPiece in one pass.
#pragma once

#include <string_view>

#include "tokenizer/normalizer.h"
#include "tokenizer/token_buffer.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

// Appends the ids of `text`, which holds no added tokens, and stops soon after the buffer is over
// its limit. `word` is working space.
void append_words(const Vocabulary& vocabulary, const Normalizer& normalizer, std::string_view text,
                  NormalizedText& word, TokenBuffer& tokens);

}  // namespace hilo
