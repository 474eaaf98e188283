#include "tokenizer/rewriter.h"

#include <algorithm>

#include "tokenizer/utf8.h"

namespace hilo {

namespace {

// Calls `take` with each character of a text that is valid UTF-8.
template <class Take>
void for_each_character(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const size_t bytes = decode_first(text).bytes;
    take(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
}

}  // namespace

void Rewriter::insert(std::string_view text) {
  for_each_character(text, [this](std::string_view character) { put(character, 1); });
}

void Rewriter::rewrite(std::string_view before, std::string_view after) {
  if (from_.sources == nullptr) {
    to_.text += after;
    return;
  }
  size_t left = count_valid_characters(before);
  if (after.empty()) {
    // The reference adds what goes to the change of the character before it. Where there is none it
    // forgets it, and all that follows has a place too early.
    if (to_.text.empty()) return;
    if (last_was_inserted_) align_last_again();
    return skip(left);
  }
  for_each_character(after, [&](std::string_view character) {
    put(character, left > 0 ? 0 : 1);
    left -= std::min<size_t>(left, 1);
  });
  skip(left);
}

size_t Rewriter::prepend(std::string_view content) {
  const std::string_view first = from_.text.substr(0, decode_first(from_.text).bytes);
  if (from_.sources == nullptr) {
    to_.text.append(content).append(first);
    return first.size();
  }
  int32_t change = 0;
  for_each_character(content, [&](std::string_view character) {
    put(character, change);
    change = 1;
  });
  put(first, 1);
  return first.size();
}

void Rewriter::align(size_t bytes, int32_t change) {
  last_was_inserted_ = change > 0;
  if (change > 0) {
    const uint32_t first = from_.sources[0].begin;
    const TokenOffsets source = at_ > 0 ? from_.sources[at_ - 1] : TokenOffsets{first, first};
    to_.sources.insert(to_.sources.end(), bytes, source);
    return;
  }
  to_.sources.insert(to_.sources.end(), bytes, next_source());
  skip(static_cast<size_t>(1 - change));
}

// The text does not end before its characters are counted, but where a model's own texts are no
// valid UTF-8.
TokenOffsets Rewriter::next_source() const {
  return from_.sources[std::min(at_, from_.text.size() - 1)];
}

void Rewriter::align_kept(std::string_view part) {
  if (part.data() != from_.text.data() + at_) {
    return for_each_character(part,
                              [this](std::string_view character) { align(character.size(), 0); });
  }
  const TokenOffsets* const first = from_.sources + at_;
  to_.sources.insert(to_.sources.end(), first, first + part.size());
  at_ += part.size();
  last_was_inserted_ = false;
}

// The character that was written last takes the place of the next after all.
void Rewriter::align_last_again() {
  std::fill_n(to_.sources.rbegin(), decode_last(to_.text).bytes, next_source());
  last_was_inserted_ = false;
}

void Rewriter::skip(size_t characters) {
  for (; characters > 0 && at_ < from_.text.size(); --characters) {
    at_ += decode_first(from_.text.substr(at_)).bytes;
  }
}

void Rewriter::skip_characters_of(std::string_view part) { skip(count_valid_characters(part)); }

}  // namespace hilo
