#include "tokenizer/pretokenizer_regex.h"

#include <iterator>

#include "tokenizer/utf8.h"

namespace hilo {

namespace {

struct SplitAutomaton {
  std::string_view expression;
  const uint8_t* transitions;  // by state and class of character
};

#include "tokenizer/data/split_automata.inc"

// An entry of the transitions.
constexpr uint8_t ends_before = 0x80;  // a match ends before this character
constexpr uint8_t state_mask = 0x7F;
constexpr uint8_t dead = 0x7F;

uint32_t class_of(char32_t character) {
  return class_of_character[page_of_block[character / 128] * 128U + character % 128];
}

}  // namespace

static_assert(std::size(split_automata) == static_cast<size_t>(SplitPattern::llama3));

std::optional<SplitPattern> split_pattern_of(std::string_view expression) {
  for (size_t index = 0; index < std::size(split_automata); ++index) {
    if (split_automata[index].expression == expression) {
      return static_cast<SplitPattern>(index + 1);
    }
  }
  return std::nullopt;
}

RegexSplitter::RegexSplitter(SplitPattern pattern) {
  if (pattern == SplitPattern::none) return;
  transitions_ = split_automata[static_cast<size_t>(pattern) - 1].transitions;
}

// Goes on as long as a longer match of the preferred alternative is possible; the last end that was
// passed is the match. Every character begins one, so a match is never empty.
size_t RegexSplitter::word_bytes(std::string_view text) const {
  if (transitions_ == nullptr) return text.size();
  size_t end = 0;
  size_t at = 0;
  uint32_t state = 0;
  while (true) {
    uint32_t character_class = class_count - 1;  // the end of the text
    size_t bytes = 0;
    if (at < text.size()) {
      const auto byte = static_cast<uint8_t>(text[at]);
      bytes = 1;
      if (byte < 0x80) {
        character_class = class_of_character[byte];
      } else {
        const DecodedCharacter decoded = decode_first(text.substr(at));
        character_class = class_of(decoded.code_point);
        bytes = decoded.bytes;
      }
    }
    const uint8_t entry = transitions_[state * class_count + character_class];
    if ((entry & ends_before) != 0) end = at;
    state = entry & state_mask;
    if (state == dead) break;
    at += bytes;
  }
  return end == 0 ? decode_first(text).bytes : end;
}

}  // namespace hilo
