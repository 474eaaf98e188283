// Finds the added tokens of a text, such as [SEP], from left to right: the leftmost, of those the
// longest.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace hilo {

// The tokens of one role, ready to be looked for. Never changes.
class AddedTokenSet {
 public:
  AddedTokenSet(const Vocabulary& vocabulary, TrieRole role);

  bool empty() const { return first_bytes_.none(); }
  // The next place at or after `from` where a token may begin; the size of the text if there is
  // none.
  size_t next_candidate(std::string_view text, size_t from) const;
  TrieRole role() const { return role_; }

 private:
  TrieRole role_;
  std::bitset<256> first_bytes_;
  std::optional<char> only_first_byte_;
};

struct AddedTokenMatch {
  uint32_t id;
  // The token's place, with the whitespace that it takes. It may begin before the end of the match
  // before it: see next().
  size_t begin;
  size_t end;
};

// Walks over the matches in one text.
class AddedTokenSearch {
 public:
  AddedTokenSearch(const Vocabulary& vocabulary, const AddedTokenSet& set, std::string_view text,
                   bool match_special)
      : vocabulary_(vocabulary), set_(set), text_(text), match_special_(match_special) {}

  std::optional<AddedTokenMatch> next();

 private:
  bool stands_alone(size_t begin, size_t end) const;
  size_t with_whitespace_before(size_t begin) const;
  size_t with_whitespace_after(size_t end) const;

  const Vocabulary& vocabulary_;
  const AddedTokenSet& set_;
  std::string_view text_;
  bool match_special_;
  size_t search_from_ = 0;
  size_t previous_end_ = 0;
};

}  // namespace hilo
