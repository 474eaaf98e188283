// A word to the ids of its pieces: the longest piece that begins it, then again and again the
// longest that goes on, or one "unknown" for the whole word where that fails.
#pragma once

#include <string_view>

#include "tokenizer/token_buffer.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

// Calls `take` with the id, the place and the size of each piece, in order. Returns false where the
// word, or the rest of it, has no piece: then what was taken does not count.
template <class Take>
bool split_word(const Vocabulary& vocabulary, std::string_view word, const Take& take);

// `word` is not empty.
void append_word_pieces(const Vocabulary& vocabulary, std::string_view word, TokenBuffer& tokens);

bool is_too_long(const Vocabulary& vocabulary, std::string_view word);

template <class Take>
bool split_word(const Vocabulary& vocabulary, std::string_view word, const Take& take) {
  if (is_too_long(vocabulary, word)) return false;
  TrieRole role = TrieRole::word_start;
  for (size_t at = 0; at < word.size();) {
    const TrieMatch match = vocabulary.longest_match(role, word.substr(at));
    if (match.bytes == 0) return false;
    take(vocabulary.value_of(match.slot), at, match.bytes);
    at += match.bytes;
    role = TrieRole::continuation;
  }
  return true;
}

}  // namespace hilo
