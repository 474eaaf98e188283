#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "tokenizer/utf8.h"

namespace hilo {

AddedTokenSet::AddedTokenSet(const Vocabulary& vocabulary, TrieRole role) : role_(role) {
  for (size_t byte = 0; byte < first_bytes_.size(); ++byte) {
    first_bytes_[byte] = vocabulary.begins_key(role, static_cast<uint8_t>(byte));
    if (first_bytes_[byte]) only_first_byte_ = static_cast<char>(byte);
  }
  if (first_bytes_.count() != 1) only_first_byte_.reset();
}

size_t AddedTokenSet::next_candidate(std::string_view text, size_t from) const {
  if (empty()) return text.size();
  // All tokens of stock BERT begin with "[", and searching for one byte is fast.
  if (only_first_byte_) return std::min(text.find(*only_first_byte_, from), text.size());
  const auto found = std::find_if(text.begin() + static_cast<ptrdiff_t>(from), text.end(),
                                  [this](char c) { return first_bytes_[static_cast<uint8_t>(c)]; });
  return static_cast<size_t>(found - text.begin());
}

std::optional<AddedTokenMatch> AddedTokenSearch::next() {
  while (true) {
    const size_t begin = set_.next_candidate(text_, search_from_);
    if (begin == text_.size()) return std::nullopt;
    const TrieMatch match = vocabulary_.longest_match(set_.role(), text_.substr(begin));
    const size_t place = match.bytes == 0 ? 0 : vocabulary_.value_of(match.slot);
    if (match.bytes == 0 || place >= vocabulary_.added_tokens().size()) {
      search_from_ = begin + 1;
      continue;
    }
    // As in the reference, a match that is refused is passed over whole, without a try at a shorter
    // one; and the search goes on at its end, even if the token then takes the whitespace after it.
    const size_t end = begin + match.bytes;
    search_from_ = end;
    const AddedTokenRecord token = vocabulary_.added_tokens()[place];
    if (token.special && !match_special_) continue;
    if (token.single_word && !stands_alone(begin, end)) continue;
    AddedTokenMatch found{token.id, begin, end};
    if (token.lstrip) found.begin = with_whitespace_before(begin);
    if (token.rstrip) found.end = with_whitespace_after(end);
    previous_end_ = found.end;
    return found;
  }
}

bool AddedTokenSearch::stands_alone(size_t begin, size_t end) const {
  return (begin == 0 || !is_word_character(decode_last(text_.substr(0, begin)).code_point)) &&
         (end == text_.size() || !is_word_character(decode_first(text_.substr(end)).code_point));
}

// Not beyond the end of the match before, which may have taken the same whitespace.
size_t AddedTokenSearch::with_whitespace_before(size_t begin) const {
  size_t place = begin;
  while (place > 0) {
    const DecodedCharacter before = decode_last(text_.substr(0, place));
    if (!is_whitespace(before.code_point)) break;
    place -= before.bytes;
  }
  return std::max(place, previous_end_);
}

size_t AddedTokenSearch::with_whitespace_after(size_t end) const {
  size_t place = end;
  while (place < text_.size()) {
    const DecodedCharacter after = decode_first(text_.substr(place));
    if (!is_whitespace(after.code_point)) break;
    place += after.bytes;
  }
  return place;
}

}  // namespace hilo
