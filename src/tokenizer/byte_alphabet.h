// The alphabet in which a byte-level vocabulary is written: each byte is a character that can be
// seen, so that a space is "Ġ".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hilo {

// The bytes that a piece stands for, or nothing if it has a character that stands for none.
std::optional<std::string> bytes_of_piece(std::string_view piece);
// The byte that a character stands for, or nothing.
std::optional<uint8_t> byte_of_letter(char32_t letter);
std::string piece_of_byte(uint8_t byte);
// The bytes of the character that stands for a byte: 1 or 2.
size_t letter_bytes(uint8_t byte);

}  // namespace hilo
