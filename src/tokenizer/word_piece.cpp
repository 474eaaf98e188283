#include "tokenizer/word_piece.h"

#include <algorithm>

namespace hilo {

namespace {

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<uint8_t>(byte) & 0xC0) != 0x80;  // all but continuation bytes
  }));
}

// A word has no more characters than bytes, so that most words need no counting.
bool is_too_long(const Vocabulary& vocabulary, std::string_view word) {
  return word.size() > vocabulary.word_characters_max() &&
         count_characters(word) > vocabulary.word_characters_max();
}

}  // namespace

void append_word_pieces(const Vocabulary& vocabulary, std::string_view word, TokenBuffer& tokens) {
  if (is_too_long(vocabulary, word)) return tokens.push(vocabulary.unknown_id());
  uint32_t* const ids = tokens.room_for(word.size());
  size_t count = 0;
  TrieRole role = TrieRole::word_start;
  while (!word.empty()) {
    const TrieMatch match = vocabulary.longest_match(role, word);
    if (match.bytes == 0) return tokens.push(vocabulary.unknown_id());
    ids[count++] = vocabulary.value_of(match.slot);
    word.remove_prefix(match.bytes);
    role = TrieRole::continuation;
  }
  tokens.advance(count);
}

}  // namespace hilo
