// The pre-tokenizers WhitespaceSplit and Metaspace: words begin with "▁", which stands for a space.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "tokenizer/aligned_view.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/utf8.h"

namespace hilo {

class Metaspace {
 public:
  explicit Metaspace(const PreTokenizerOptions& options)
      : options_(options), space_(encode_character(options.replacement)) {}

  // Whether words depend on where in the source they begin.
  bool needs_sources() const { return options_.prepend == PrependScheme::first; }
  // Calls `take` with each word of `text`, in order, until it says false. A word lies in `word` or
  // in `text` and is gone with the next.
  template <class Take>
  void for_each_word(AlignedView text, AlignedBuffer& word, const Take& take) const {
    if (!options_.whitespace_split) {
      take_segment(text, word, take);
      return;
    }
    size_t at = 0;
    while (at < text.text.size()) {
      const size_t bytes = word_bytes(text.text.substr(at));
      if (bytes > 0 && !take_segment(text.part(at, bytes), word, take)) return;
      at += bytes;
      if (at < text.text.size()) at += decode_first(text.text.substr(at)).bytes;
    }
  }

 private:
  // Up to the next whitespace.
  static size_t word_bytes(std::string_view text);
  // Puts the segment's marks in; `word` then has it.
  void mark(AlignedView segment, AlignedBuffer& word) const;

  template <class Take>
  bool take_segment(AlignedView segment, AlignedBuffer& word, const Take& take) const {
    if (segment.text.empty()) return true;
    if (!options_.metaspace) return take(segment);
    mark(segment, word);
    AlignedView rest = word.view();
    if (!options_.split) return take(rest);
    while (!rest.text.empty()) {
      // Up to the next mark; what a segment begins with may be none.
      const size_t bytes = std::min(rest.text.find(space_.view(), 1), rest.text.size());
      if (!take(rest.part(0, bytes))) return false;
      rest = rest.part(bytes);
    }
    return true;
  }

  PreTokenizerOptions options_;
  EncodedCharacter space_;
};

}  // namespace hilo
