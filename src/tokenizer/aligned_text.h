// Normalized text of which each byte knows the bytes of the source that it came from, the way the
// reference's NormalizedString does. Slower than NormalizedText, and only for who asks for offsets.
//
// All that comes from one character has that character's place. Marks that change their order are
// the exception: the reference moves marks, but not places, so that the first mark of a run has the
// place of the first in the source, whichever of them it now is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/normalizer.h"
#include "tokenizer/token_offsets.h"

namespace hilo {

class AlignedText {
 public:
  AlignedText() { character_.reserve(normalized_bytes_max); }

  void clear();
  void append_byte(char byte, TokenOffsets source) {
    if (!run_.empty()) finish();
    bytes_ += byte;
    sources_.push_back(source);
    last_place_ = source;
  }
  void append(const Normalizer& normalizer, char32_t code_point, TokenOffsets source);
  // The whole of `text`, which begins at `begin` of the source.
  void append_normalized(const Normalizer& normalizer, std::string_view text, size_t begin);
  // The last marks are put in order; to be called before the text is looked at.
  void finish();

  std::string_view view() const { return bytes_; }
  // Of bytes of this text; they are not none.
  TokenOffsets source_of(TokenOffsets bytes) const {
    return {sources_[bytes.begin].begin, sources_[bytes.end - 1].end};
  }

 private:
  // A mark whose place among its neighbours depends on what follows.
  struct Mark {
    std::string_view view() const { return {bytes.data(), size}; }
    std::array<char, 4> bytes;
    uint8_t size;  // 0: it is stripped, and yet it takes a place
    uint8_t combining_class;
    bool takes_place;  // false: a later part of a character that comes apart
  };
  void add_part(std::string_view part, uint8_t combining_class, bool takes_place,
                TokenOffsets source);

  std::string bytes_;
  std::vector<TokenOffsets> sources_;  // one a byte
  std::vector<Mark> run_;
  std::vector<TokenOffsets> run_places_;
  TokenOffsets last_place_;
  NormalizedText character_;
};

}  // namespace hilo
