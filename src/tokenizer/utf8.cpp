#include "tokenizer/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "tokenizer/tokenizer.h"

namespace hilo {

namespace {

// What may follow a lead byte: how many bytes in all, and the bounds of the second. The narrow
// bounds exclude overlong forms (E0, F0), surrogates (ED) and code points above U+10FFFF (F4).
struct Sequence {
  uint32_t bytes;
  uint8_t second_min;
  uint8_t second_max;
};

Sequence sequence_of(uint8_t lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

bool next_eight_are_ascii(std::string_view text, size_t at) {
  uint64_t eight = 0;
  if (text.size() - at < sizeof(eight)) return false;
  std::memcpy(&eight, text.data() + at, sizeof(eight));
  return (eight & 0x8080808080808080U) == 0;
}

}  // namespace

DecodedCharacter decode_any(std::string_view text) {
  const auto byte = [text](size_t at) { return static_cast<uint8_t>(text[at]); };
  const uint8_t lead = byte(0);
  const Sequence sequence = sequence_of(lead);
  if (sequence.bytes == 0) return {replacement_character, 1, false};
  if (sequence.bytes == 1) return {lead, 1, true};

  char32_t code_point = lead & (0x7FU >> sequence.bytes);
  uint8_t allowed_min = sequence.second_min;
  uint8_t allowed_max = sequence.second_max;
  for (uint32_t at = 1; at < sequence.bytes; ++at) {
    if (at == text.size() || byte(at) < allowed_min || byte(at) > allowed_max) {
      return {replacement_character, at, false};
    }
    code_point = (code_point << 6) | (byte(at) & 0x3FU);
    allowed_min = 0x80;
    allowed_max = 0xBF;
  }
  return {code_point, sequence.bytes, true};
}

DecodedCharacter decode_last(std::string_view text) {
  const size_t bytes_max = std::min<size_t>(text.size(), character_bytes_max);
  for (size_t bytes = 1; bytes <= bytes_max; ++bytes) {
    const DecodedCharacter character = decode_first(text.substr(text.size() - bytes));
    if (character.valid && character.bytes == bytes) return character;
  }
  return {replacement_character, 1, false};
}

bool is_valid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    if (next_eight_are_ascii(text, at)) {
      at += sizeof(uint64_t);
      continue;
    }
    const DecodedCharacter character = decode_first(text.substr(at));
    if (!character.valid) return false;
    at += character.bytes;
  }
  return true;
}

}  // namespace hilo
