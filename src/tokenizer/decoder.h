// Ids back to text, as the reference's WordPiece decoder writes it: pieces that begin with "##" go
// on in their word, others follow a space, and the space before punctuation and English
// contractions goes. What the normalizer changed does not come back, nor does it of an added token
// that is looked for in normalized text.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tokenizer/normalizer.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

// Ids without a piece are passed over.
std::string decode_word_pieces(const Vocabulary& vocabulary, const Normalizer& normalizer,
                               std::span<const uint32_t> ids, bool skip_special_tokens);

}  // namespace hilo
