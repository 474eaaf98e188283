#include "tokenizer/token_offsets.h"

#include <algorithm>

#include "base/ensure.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

// Counts the characters before places that never fall. A place within a character is its begin.
class CharacterCounter {
 public:
  explicit CharacterCounter(std::string_view text) : text_(text) {}

  uint32_t count_before(uint32_t place) {
    ENSURE(place >= last_place_);
    ENSURE(place <= text_.size());
    last_place_ = place;
    while (bytes_ < place) {
      const uint32_t size = decode_first(text_.substr(bytes_)).bytes;
      if (bytes_ + size > place) break;
      bytes_ += size;
      ++characters_;
    }
    return characters_;
  }

 private:
  std::string_view text_;
  uint32_t bytes_ = 0;
  uint32_t characters_ = 0;
  uint32_t last_place_ = 0;
};

constexpr char32_t letter_of_space = 0x120;  // in the alphabet of bytes

bool is_space(char32_t character) {
  return character == letter_of_space || is_whitespace(character);
}

// So many characters on, but not beyond the end.
uint32_t moved_on(std::string_view text, TokenOffsets token, uint32_t count, OffsetUnit unit) {
  if (unit == OffsetUnit::characters) return std::min(token.begin + count, token.end);
  uint32_t place = token.begin;
  for (; count > 0 && place < token.end; --count) place += decode_first(text.substr(place)).bytes;
  return std::min(place, token.end);
}

uint32_t count_characters(std::string_view text) {
  uint32_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(decode_first(text).bytes);
  return count;
}

bool has_characters(std::string_view text, uint32_t count) {
  return text.size() >= size_t{count} * character_bytes_max || count_characters(text) >= count;
}

// So many characters back, but not beyond the begin. Nothing changes where the text has not so
// many.
uint32_t moved_back(std::string_view text, TokenOffsets token, uint32_t count, OffsetUnit unit) {
  if (unit == OffsetUnit::characters) {
    return token.end < count ? token.end : std::max(token.end - count, token.begin);
  }
  if (count == 0) return token.end;
  // From the begin on, for nothing says where a part that is invalid began.
  const uint32_t inside = count_characters(text.substr(token.begin, token.end - token.begin));
  if (count <= inside) return moved_on(text, token, inside - count, unit);
  return has_characters(text.substr(0, token.begin), count - inside) ? token.begin : token.end;
}

}  // namespace

TokenSpaces spaces_of(std::string_view token) {
  TokenSpaces spaces;
  for (std::string_view rest = token; !rest.empty(); ++spaces.leading) {
    const DecodedCharacter first = decode_first(rest);
    if (!is_space(first.code_point)) break;
    rest.remove_prefix(first.bytes);
  }
  for (std::string_view rest = token; !rest.empty(); ++spaces.trailing) {
    const DecodedCharacter last = decode_last(rest);
    if (!is_space(last.code_point)) break;
    rest.remove_suffix(last.bytes);
  }
  return spaces;
}

void trim_offsets(std::string_view text, OffsetUnit unit, OffsetTrimming trimming,
                  std::span<const TokenSpaces> spaces, std::span<TokenOffsets> offsets) {
  for (size_t at = 0; at < offsets.size(); ++at) {
    TokenOffsets& token = offsets[at];
    const bool is_first = at == 0 || token.begin == 0;
    const bool has_prefix = trimming.keeps_prefix && is_first && spaces[at].leading == 1;
    if (!has_prefix) token.begin = moved_on(text, token, spaces[at].leading, unit);
    token.end = moved_back(text, token, spaces[at].trailing, unit);
  }
}

void count_in_characters(std::string_view text, std::span<TokenOffsets> offsets) {
  CharacterCounter begins(text);
  CharacterCounter ends(text);
  for (TokenOffsets& token : offsets) {
    token = {begins.count_before(token.begin), ends.count_before(token.end)};
  }
}

}  // namespace hilo
