// Text to words to ids with their offsets: what words.h does, for who asks where each token stands.
#pragma once

#include <string_view>

#include "tokenizer/aligned_text.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/token_buffer.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

// Appends ids and offsets of `text`, which holds no added tokens and begins at `begin` of what the
// offsets count in. Stops soon after the buffer is over its limit. `word` is working space.
void append_aligned_words(const Vocabulary& vocabulary, const Normalizer& normalizer,
                          std::string_view text, size_t begin, AlignedText& word,
                          TokenBuffer& tokens);

}  // namespace hilo
