// Splits a text into the words of a byte-level BPE, by a regular expression that has become a
// table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tokenizer/pipeline.h"

namespace hilo {

// The pattern whose regular expression is written like this.
std::optional<SplitPattern> split_pattern_of(std::string_view expression);

class RegexSplitter {
 public:
  explicit RegexSplitter(SplitPattern pattern);

  // The bytes of the word that begins `text`, which is valid UTF-8 and not empty.
  size_t word_bytes(std::string_view text) const;

 private:
  const uint8_t* transitions_ = nullptr;  // null: nothing is split
};

}  // namespace hilo
