// Where a token stands in its text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hilo {

enum class OffsetUnit : uint8_t { bytes, characters };

// From `begin` up to `end`, in bytes unless characters were asked for. Tokens that stand in no
// text, such as [CLS] of a template, have 0 and 0.
struct TokenOffsets {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const TokenOffsets&) const = default;
};
inline TokenOffsets offsets_of(size_t begin, size_t bytes) {
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(begin + bytes)};
}

// Bytes to characters, an invalid part of the text being one. Begins never fall from token to
// token, nor do ends; so the text is walked over twice, however many there are.
void count_in_characters(std::string_view text, std::span<TokenOffsets> offsets);

// The characters at both ends of a token's text that are whitespace, or stand for a space in the
// alphabet of bytes.
struct TokenSpaces {
  uint32_t leading = 0;
  uint32_t trailing = 0;
};
TokenSpaces spaces_of(std::string_view token);

// What the post-processors ByteLevel and RobertaProcessing do with offsets.
struct OffsetTrimming {
  bool trims = false;  // spaces are no part of a token
  // Only the space before a text's first token is one: the pre-tokenizer may have put it there.
  bool keeps_prefix = false;
};
// `offsets` and `spaces` are of all tokens that are kept of `text`.
void trim_offsets(std::string_view text, OffsetUnit unit, OffsetTrimming trimming,
                  std::span<const TokenSpaces> spaces, std::span<TokenOffsets> offsets);

}  // namespace hilo
