// Reading and writing UTF-8, one character at a time. Input may be anything.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hilo {

inline constexpr char32_t replacement_character = 0xFFFD;
inline constexpr uint32_t character_bytes_max = 4;

struct DecodedCharacter {
  char32_t code_point;
  uint32_t bytes;  // at least 1
  bool valid;
};

// The first character of `text`, which is not empty. A maximal invalid part (Unicode, section 3.9)
// is one U+FFFD.
inline DecodedCharacter decode_first(std::string_view text);
// The last character of `text`, which is not empty. Invalid parts are taken byte by byte.
DecodedCharacter decode_last(std::string_view text);

struct EncodedCharacter {
  std::array<char, character_bytes_max> bytes;
  uint8_t size;
  std::string_view view() const { return {bytes.data(), size}; }
};

// `code_point` is at most U+10FFFF.
inline EncodedCharacter encode_character(char32_t code_point);

// decode_first() without the short ways of the common cases.
DecodedCharacter decode_any(std::string_view text);

// Whether a byte of valid UTF-8 goes on in a character that an earlier one began.
constexpr bool is_tail(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// Of a text that is valid UTF-8.
inline size_t count_valid_characters(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char byte) { return !is_tail(static_cast<uint8_t>(byte)); }));
}

inline DecodedCharacter decode_first(std::string_view text) {
  const auto byte = [text](size_t at) { return static_cast<uint8_t>(text[at]); };
  const auto tail = [byte](size_t at) { return byte(at) & 0x3FU; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  if (lead >= 0xC2 && lead < 0xE0 && text.size() >= 2 && is_tail(byte(1))) {
    return {(lead & 0x1FU) << 6 | tail(1), 2, true};
  }
  // E0 and ED have bounds of their own for the second byte.
  if ((lead & 0xF0) == 0xE0 && lead != 0xE0 && lead != 0xED && text.size() >= 3 &&
      is_tail(byte(1)) && is_tail(byte(2))) {
    return {(lead & 0x0FU) << 12 | tail(1) << 6 | tail(2), 3, true};
  }
  return decode_any(text);
}

inline EncodedCharacter encode_character(char32_t code_point) {
  const auto tail = [code_point](int shift) {
    return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  const auto lead = [code_point](int mark, int shift) {
    return static_cast<char>(mark | static_cast<int>(code_point >> shift));
  };
  if (code_point < 0x80) return {{lead(0, 0)}, 1};
  if (code_point < 0x800) return {{lead(0xC0, 6), tail(0)}, 2};
  if (code_point < 0x10000) return {{lead(0xE0, 12), tail(6), tail(0)}, 3};
  return {{lead(0xF0, 18), tail(12), tail(6), tail(0)}, 4};
}

}  // namespace hilo
