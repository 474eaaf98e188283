// Which characters of a word a byte-level BPE may take as one token from the start, instead of
// merging their bytes. Threads: never changes.
//
// Merges of a character's own bytes come first where nothing else can touch these bytes before they
// are one: where each merge of a part of the character with what stands before or behind it has a
// higher rank than the character's own next merge at that time. Such a character becomes one token
// whatever else happens in the word, so it only matters that having that token too early changes
// nothing: it does not where each merge that uses it has a higher rank than all of the character's
// own, for then these come first, too. Since a pair has a rank of its own, equal ranks are the same
// pair, and the first of them in the word is the same one. Each character is judged for itself: its
// neighbours may be tokens, bytes or both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

class WholeCharacters {
 public:
  // There are none where ids do not say what bytes a token begins and ends with, or where a byte
  // of UTF-8 has no piece: bytes that become nothing give others new neighbours.
  WholeCharacters(const Vocabulary& vocabulary, const MergeTable& merges);

  // The token that stands for a character of `word`, which is valid UTF-8, or no_id where its bytes
  // are to be merged.
  uint32_t token_at(std::string_view word, size_t at, DecodedCharacter character) const {
    const size_t page = page_of_block_[character.code_point / page_size];
    const Entry& entry = entries_[page * page_size + character.code_point % page_size];
    const size_t end = at + character.bytes;
    const uint64_t risk = (at == 0 ? 0 : entry.before >> class_of(word[at - 1])) |
                          (end == word.size() ? 0 : entry.behind >> class_of(word[end]));
    return (risk & 1) == 0 ? entry.token : no_id;
  }

 private:
  friend class WholeCharactersMaker;

  // Of a byte that ends or begins a neighbour. Those that end characters have a class each, and so
  // have those that begin them; ASCII shares classes with them, which costs little.
  static uint32_t class_of(char byte) { return static_cast<uint8_t>(byte) % 64; }

  // A bit of `before` or `behind`: next to such a byte the character is not to be taken whole.
  struct Entry {
    uint32_t token = no_id;
    uint64_t before = 0;
    uint64_t behind = 0;
  };
  static constexpr size_t page_size = 64;  // the characters that differ in their last byte only

  std::vector<uint16_t> page_of_block_;
  std::vector<Entry> entries_;  // pages; the first has no characters
};

}  // namespace hilo
