// Reading and writing UTF-8, one character at a time. Input may be anything.
#pragma once

#include <array>
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
DecodedCharacter decode_first(std::string_view text);
// The last character of `text`, which is not empty. Invalid parts are taken byte by byte.
DecodedCharacter decode_last(std::string_view text);

struct EncodedCharacter {
  std::array<char, character_bytes_max> bytes;
  uint8_t size;
  std::string_view view() const { return {bytes.data(), size}; }
};

// `code_point` is at most U+10FFFF.
EncodedCharacter encode_character(char32_t code_point);

}  // namespace hilo
