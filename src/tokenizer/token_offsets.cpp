#include "tokenizer/token_offsets.h"

#include "base/ensure.h"
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

}  // namespace

void count_in_characters(std::string_view text, std::span<TokenOffsets> offsets) {
  CharacterCounter begins(text);
  CharacterCounter ends(text);
  for (TokenOffsets& token : offsets) {
    token = {begins.count_before(token.begin), ends.count_before(token.end)};
  }
}

}  // namespace hilo
