// The pre-tokenizers WhitespaceSplit and Metaspace: words begin with "▁", which stands for a space.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "tokenizer/pipeline.h"
#include "tokenizer/utf8.h"

namespace hilo {

class Metaspace {
 public:
  explicit Metaspace(const PreTokenizerOptions& options)
      : options_(options), space_(encode_character(options.replacement)) {}

  // Calls `take` with each word of `text`, in order, until it says false. `from_first` bytes of the
  // text come from the first character of the text before it was normalized. A word lies in `word`
  // or in `text` and is gone with the next.
  template <class Take>
  void for_each_word(std::string_view text, size_t from_first, std::string& word,
                     const Take& take) const {
    if (!options_.whitespace_split) {
      take_segment(text, from_first > 0, word, take);
      return;
    }
    size_t at = 0;
    while (at < text.size()) {
      const size_t bytes = word_bytes(text.substr(at));
      if (bytes > 0 && !take_segment(text.substr(at, bytes), at < from_first, word, take)) return;
      at += bytes;
      if (at < text.size()) at += decode_first(text.substr(at)).bytes;
    }
  }

 private:
  // Up to the next whitespace.
  static size_t word_bytes(std::string_view text);
  // Puts the segment's marks in; `word` then has it.
  void mark(std::string_view segment, bool is_first, std::string& word) const;

  template <class Take>
  bool take_segment(std::string_view segment, bool is_first, std::string& word,
                    const Take& take) const {
    if (segment.empty()) return true;
    if (!options_.metaspace) return take(segment);
    mark(segment, is_first, word);
    std::string_view rest = word;
    if (!options_.split) return take(rest);
    while (!rest.empty()) {
      // Up to the next mark; what a segment begins with may be none.
      const size_t bytes = std::min(rest.find(space_.view(), 1), rest.size());
      if (!take(rest.substr(0, bytes))) return false;
      rest.remove_prefix(bytes);
    }
    return true;
  }

  PreTokenizerOptions options_;
  EncodedCharacter space_;
};

}  // namespace hilo
