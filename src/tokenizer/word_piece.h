// A word to the ids of its pieces: the longest piece that begins it, then again and again the
// longest that goes on, or one "unknown" for the whole word where that fails.
#pragma once

#include <string_view>

#include "tokenizer/token_buffer.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

// `word` is not empty.
void append_word_pieces(const Vocabulary& vocabulary, std::string_view word, TokenBuffer& tokens);

}  // namespace hilo
