// The model's tokenizer as routes need it: what tokens a text has and where they stand, and the
// text that ids stand for. Threads: any; each has buffers of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace hilo::http {

struct TextToken {
  uint32_t id = 0;
  std::string_view piece = {};  // lives with the tokenizer; empty for an id without one
  bool special = false;         // added by the template, so it stands nowhere in the text
  TokenOffsets offsets = {};    // in bytes
};

class TextTokenizer {
 public:
  // Reads the tokenizer of a model directory.
  static Result<std::unique_ptr<const TextTokenizer>> open(const std::string& directory);
  explicit TextTokenizer(Tokenizer tokenizer);

  std::vector<TextToken> tokens_of(std::string_view text, bool add_special_tokens) const;
  std::string decode(std::span<const uint32_t> ids, bool skip_special_tokens) const {
    return tokenizer_.decode(ids, skip_special_tokens);
  }

 private:
  Tokenizer tokenizer_;
  uint32_t special_tokens_;
  uint32_t special_before_ = 0;  // so many of them stand before the text
};

}  // namespace hilo::http
