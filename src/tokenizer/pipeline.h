// How Unigram and byte-level BPE come from a text to words: the steps of tokenizer.json, under the
// names they have there. (WordPiece has its own pass for all of it: see words.h.)
#pragma once

#include <cstdint>
#include <string>

#include "tokenizer/text_pattern.h"

namespace hilo {

enum class NormalizerKind : uint32_t {
  nfc,
  nfd,
  nfkc,
  nfkd,
  nmt,
  lowercase,
  strip,
  replace,
  prepend,
  precompiled,
};

// One step of a normalizer; the steps run one after the other over a whole text.
struct NormalizerStep {
  NormalizerKind kind;
  // Strip: which ends lose their whitespace.
  bool left = false;
  bool right = false;
  // Replace: each match becomes `content`.
  TextPattern pattern = {};
  // Prepend: what comes before a text that is not empty.
  std::string content = {};
};

enum class PrependScheme : uint32_t { always, first, never };

// The regular expressions that a byte-level BPE splits texts by; tools/regex_automaton.py has them.
enum class SplitPattern : uint32_t { none, gpt2, qwen2, llama3 };

struct PreTokenizerOptions {
  // Unigram.
  bool whitespace_split = false;
  bool metaspace = false;
  char32_t replacement = U'\u2581';
  PrependScheme prepend = PrependScheme::always;
  bool split = true;
  // Byte-level BPE.
  SplitPattern pattern = SplitPattern::none;
  bool add_prefix_space = false;
};

}  // namespace hilo
