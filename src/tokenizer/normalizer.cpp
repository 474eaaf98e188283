#include "tokenizer/normalizer.h"

#include <algorithm>
#include <cstring>

#include "base/ensure.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

struct CharacterRecord {
  uint8_t flags;
  uint8_t combining_class;
  // Offsets in fold_strings for lowercase, strip_accents, and both. 0: the character stays.
  std::array<uint16_t, 3> folds;
};

#include "tokenizer/data/unicode_tables.inc"

// As tools/unicode_tables.py numbers them.
constexpr uint8_t flag_deleted = 1;
constexpr uint8_t flag_whitespace = 2;
constexpr uint8_t flag_punctuation = 4;
constexpr uint8_t flag_chinese = 8;
constexpr uint8_t flag_hangul = 16;
constexpr uint8_t flag_word = 32;
constexpr uint8_t entry_is_punctuation = 0x80;
constexpr uint32_t block_characters = 128;

const CharacterRecord& record_of(char32_t code_point) {
  const uint32_t page = page_of_block[code_point / block_characters];
  return character_records[record_of_character[page * block_characters +
                                               code_point % block_characters]];
}

CharacterKind kind_of(uint8_t flags, NormalizerOptions options) {
  if (options.clean_text && (flags & flag_deleted) != 0) return CharacterKind::deleted;
  if ((flags & flag_whitespace) != 0) return CharacterKind::space;
  if ((flags & flag_punctuation) != 0) return CharacterKind::alone;
  if (options.handle_chinese_chars && (flags & flag_chinese) != 0) return CharacterKind::ideograph;
  return CharacterKind::word;
}

void append_view(NormalizedCharacter& character, std::string_view text) {
  std::copy(text.begin(), text.end(), character.bytes.begin() + character.size);
  character.size = static_cast<uint8_t>(character.size + text.size());
}

// Unicode, section 3.12: a syllable is a leading consonant, a vowel and perhaps a trailing
// consonant.
void append_hangul(NormalizedCharacter& character, char32_t syllable) {
  constexpr char32_t vowels = 21;
  constexpr char32_t trailing = 28;
  const char32_t index = syllable - 0xAC00;
  append_view(character, encode_character(0x1100 + index / (vowels * trailing)).view());
  append_view(character, encode_character(0x1161 + index / trailing % vowels).view());
  if (index % trailing != 0) {
    append_view(character, encode_character(0x11A7 + index % trailing).view());
  }
}

}  // namespace

bool is_word_character(char32_t code_point) {
  return (record_of(code_point).flags & flag_word) != 0;
}

bool is_whitespace(char32_t code_point) {
  return (record_of(code_point).flags & flag_whitespace) != 0;
}

void NormalizedText::reserve_for(size_t source_bytes) {
  clear();
  const size_t needed = source_bytes * normalized_growth_max + NormalizedCharacter::bytes_max;
  if (needed <= capacity_) return;
  bytes_ = std::make_unique_for_overwrite<char[]>(needed);
  capacity_ = needed;
}

void NormalizedText::append(const NormalizedCharacter& character) {
  // The whole array is copied, a fixed size being faster; the room beyond the end is reserved.
  ENSURE(capacity_ - size_ >= NormalizedCharacter::bytes_max);
  std::memcpy(bytes_.get() + size_, character.bytes.data(), NormalizedCharacter::bytes_max);
  if (character.combining_class == 0) {
    // A stripped accent of class 0 leaves nothing to see, yet marks do not move across it.
    run_begin_ = size_;
    size_ += character.size;
    return;
  }
  const size_t mark = size_;
  size_ += character.size;
  if (character.size > 0) move_mark_back(mark, character.combining_class);
}

void NormalizedText::move_mark_back(size_t mark, uint8_t combining_class) {
  size_t place = mark;
  while (place > run_begin_) {
    const DecodedCharacter before = decode_last({bytes_.get(), place});
    if (record_of(before.code_point).combining_class <= combining_class) break;
    place -= before.bytes;
  }
  std::rotate(bytes_.get() + place, bytes_.get() + mark, bytes_.get() + size_);
}

Normalizer::Normalizer(NormalizerOptions options) : options_(options) {
  byte_table_.fill(byte_begins_character);
  for (uint16_t byte = 0; byte < 0x80; ++byte) {
    const NormalizedCharacter character = normalize(byte);
    ENSURE(character.size == 1 || character.kind == CharacterKind::deleted);
    const auto normalized = static_cast<uint8_t>(character.bytes[0]);
    const auto kind = static_cast<uint16_t>(character.kind);
    byte_table_[byte] = static_cast<uint16_t>(kind << 8 | normalized);
  }
}

NormalizedCharacter Normalizer::normalize(char32_t code_point) const {
  const CharacterRecord& record = record_of(code_point);
  NormalizedCharacter character{kind_of(record.flags, options_), 0, 0, {}};
  if (options_.strip_accents) {
    character.combining_class = record.combining_class;
    if ((record.flags & flag_hangul) != 0) {
      append_hangul(character, code_point);
      return character;
    }
  }
  const size_t mode = (options_.lowercase ? 1U : 0U) + (options_.strip_accents ? 2U : 0U);
  const uint16_t fold = mode == 0 ? uint16_t{0} : record.folds[mode - 1];
  if (fold == 0) {
    append_view(character, encode_character(code_point).view());
    return character;
  }
  const uint8_t header = fold_strings[fold];
  character.size = header & static_cast<uint8_t>(~entry_is_punctuation);
  std::copy_n(fold_strings + fold + 1, character.size, character.bytes.begin());
  if ((header & entry_is_punctuation) != 0 && character.kind == CharacterKind::word) {
    character.kind = CharacterKind::alone;
  }
  return character;
}

void Normalizer::normalize(std::string_view text, NormalizedText& normalized) const {
  while (!text.empty()) {
    const DecodedCharacter decoded = decode_first(text);
    text.remove_prefix(decoded.bytes);
    const NormalizedCharacter character = normalize(decoded.code_point);
    switch (character.kind) {
      case CharacterKind::deleted:
        break;
      case CharacterKind::ideograph:
        normalized.append_byte(' ');
        normalized.append(character);
        normalized.append_byte(' ');
        break;
      case CharacterKind::space:
        if (options_.clean_text) {
          normalized.append_byte(' ');
        } else {
          normalized.append(character);
        }
        break;
      case CharacterKind::word:
      case CharacterKind::alone:
        normalized.append(character);
        break;
    }
  }
}

}  // namespace hilo
