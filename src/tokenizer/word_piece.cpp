#include "tokenizer/word_piece.h"

#include "tokenizer/utf8.h"

namespace hilo {

// A word has no more characters than bytes, so that most words need no counting.
bool is_too_long(const Vocabulary& vocabulary, std::string_view word) {
  return word.size() > vocabulary.word_characters_max() &&
         count_valid_characters(word) > vocabulary.word_characters_max();
}

void append_word_pieces(const Vocabulary& vocabulary, std::string_view word, TokenBuffer& tokens) {
  uint32_t* const ids = tokens.room_for(word.size());
  size_t count = 0;
  const bool known =
      split_word(vocabulary, word, [&](uint32_t id, size_t, size_t) { ids[count++] = id; });
  if (!known) return tokens.push(vocabulary.unknown_id());
  tokens.advance(count);
}

}  // namespace hilo
