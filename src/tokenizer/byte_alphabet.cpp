#include "tokenizer/byte_alphabet.h"

#include <array>

#include "tokenizer/utf8.h"

namespace hilo {

namespace {

// Bytes that are printable characters of Latin-1 stand for themselves, the others, in their order,
// for the characters from U+0100 on.
constexpr bool stands_for_itself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

constexpr char32_t first_stand_in = 0x100;

struct Alphabet {
  std::array<char32_t, 256> character_of_byte{};
  std::array<int16_t, 0x200> byte_of_character{};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.byte_of_character.fill(-1);
  char32_t stand_in = first_stand_in;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const char32_t character = stands_for_itself(byte) ? byte : stand_in++;
    alphabet.character_of_byte[byte] = character;
    alphabet.byte_of_character[character] = static_cast<int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet alphabet = make_alphabet();

}  // namespace

std::optional<std::string> bytes_of_piece(std::string_view piece) {
  std::string bytes;
  while (!piece.empty()) {
    const DecodedCharacter decoded = decode_first(piece);
    const std::optional<uint8_t> byte = byte_of_letter(decoded.code_point);
    if (!decoded.valid || !byte) return {};
    bytes.push_back(static_cast<char>(*byte));
    piece.remove_prefix(decoded.bytes);
  }
  return bytes;
}

std::optional<uint8_t> byte_of_letter(char32_t letter) {
  const int16_t byte =
      letter < alphabet.byte_of_character.size() ? alphabet.byte_of_character[letter] : int16_t{-1};
  return byte < 0 ? std::nullopt : std::optional(static_cast<uint8_t>(byte));
}

std::string piece_of_byte(uint8_t byte) {
  return std::string(encode_character(alphabet.character_of_byte[byte]).view());
}

size_t letter_bytes(uint8_t byte) { return alphabet.character_of_byte[byte] < 0x80 ? 1 : 2; }

}  // namespace hilo
