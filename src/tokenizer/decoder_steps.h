// How ids become text again: the decoder of a tokenizer.json, step by step over the list of tokens.
#pragma once

#include <cstdint>
#include <string>

#include "tokenizer/text_pattern.h"

namespace hilo {

enum class DecoderKind : uint32_t {
  word_piece,     // what does not begin with the prefix follows a space
  byte_level,     // letters of the alphabet of bytes are these bytes
  metaspace,      // the mark is a space, but not in the first token
  byte_fallback,  // "<0x41>" is a byte
  replace,
  strip,
  fuse,  // one token from here on
};

struct DecoderStep {
  DecoderKind kind;
  // Replace: each match becomes `content`. WordPiece: the text is the prefix.
  TextPattern pattern = {};
  // Metaspace: the mark. Strip: the character that goes.
  std::string content = {};
  // WordPiece: the space before punctuation goes. Metaspace: the first token keeps its marks.
  bool flag = false;
  // Strip: so many at either end.
  uint32_t start = 0;
  uint32_t stop = 0;
};

// A step as a blob holds it; its texts lie side by side, the pattern first.
struct DecoderStepRecord {
  uint32_t kind;
  uint32_t flag;
  uint32_t start;
  uint32_t stop;
  uint32_t run_min;
  uint32_t text_begin;
  uint32_t pattern_bytes;
  uint32_t content_bytes;
};
static_assert(sizeof(DecoderStepRecord) == 32);

}  // namespace hilo
