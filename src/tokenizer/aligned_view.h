// A text on its way to words and, where offsets are wanted, where each of its bytes comes from: the
// reference's NormalizedString, for Unigram and byte-level BPE.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/token_offsets.h"

namespace hilo {

struct AlignedView {
  std::string_view text;
  // One a byte, equal for all bytes of a character, and never falling. Null: nobody asks.
  const TokenOffsets* sources = nullptr;

  AlignedView part(size_t at, size_t bytes = std::string_view::npos) const {
    return {text.substr(at, bytes), sources == nullptr ? nullptr : sources + at};
  }
  // Of bytes that are not none; 0 and 0 where nobody asks.
  TokenOffsets source_of(size_t at, size_t bytes) const {
    if (sources == nullptr) return {};
    return {sources[at].begin, sources[at + bytes - 1].end};
  }
};

struct AlignedBuffer {
  std::string text;
  std::vector<TokenOffsets> sources;

  void clear() {
    text.clear();
    sources.clear();
  }
  AlignedView view() const { return {text, sources.empty() ? nullptr : sources.data()}; }
};

// `text`, or where it is not valid UTF-8 a copy in which each maximal invalid part is U+FFFD.
AlignedView to_valid_utf8(std::string_view text, bool with_sources, AlignedBuffer& copy);

}  // namespace hilo
