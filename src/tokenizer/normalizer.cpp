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

uint32_t record_number(char32_t code_point) {
  const uint32_t page = page_of_block[code_point / block_characters];
  return record_of_character[page * block_characters + code_point % block_characters];
}

const CharacterRecord& record_of(char32_t code_point) {
  return character_records[record_number(code_point)];
}

CharacterKind kind_of(uint8_t flags, NormalizerOptions options) {
  if (options.clean_text && (flags & flag_deleted) != 0) return CharacterKind::deleted;
  if ((flags & flag_whitespace) != 0) return CharacterKind::space;
  if ((flags & flag_punctuation) != 0) return CharacterKind::alone;
  if (options.handle_chinese_chars && (flags & flag_chinese) != 0) return CharacterKind::ideograph;
  return CharacterKind::word;
}

CharacterRule rule_for(const CharacterRecord& record, NormalizerOptions options) {
  CharacterRule rule{CharacterRule::stays, kind_of(record.flags, options), 0};
  if (options.strip_accents) rule.combining_class = record.combining_class;
  if (options.strip_accents && (record.flags & flag_hangul) != 0) {
    rule.fold = CharacterRule::hangul;
    return rule;
  }
  const size_t mode = (options.lowercase ? 1U : 0U) + (options.strip_accents ? 2U : 0U);
  if (mode != 0) rule.fold = record.folds[mode - 1];
  const bool becomes_punctuation = (fold_strings[rule.fold] & entry_is_punctuation) != 0;
  if (becomes_punctuation && rule.kind == CharacterKind::word) rule.kind = CharacterKind::alone;
  return rule;
}

// These write at `out` and return how many bytes.
size_t write_character(char32_t code_point, char* out) {
  const EncodedCharacter encoded = encode_character(code_point);
  std::memcpy(out, encoded.bytes.data(), encoded.bytes.size());
  return encoded.size;
}

// Unicode, section 3.12: a syllable is a leading consonant, a vowel and perhaps a trailing
// consonant.
size_t write_hangul(char32_t syllable, char* out) {
  constexpr char32_t vowels = 21;
  constexpr char32_t trailing = 28;
  const char32_t index = syllable - 0xAC00;
  size_t size = write_character(0x1100 + index / (vowels * trailing), out);
  size += write_character(0x1161 + index / trailing % vowels, out + size);
  if (index % trailing != 0) size += write_character(0x11A7 + index % trailing, out + size);
  return size;
}

// All that a fold may have is copied, a fixed size being faster; the table goes on behind the last.
size_t write_fold(uint16_t fold, char* out) {
  std::memcpy(out, fold_strings + fold + 1, normalized_bytes_max);
  return fold_strings[fold] & static_cast<uint8_t>(~entry_is_punctuation);
}

}  // namespace

bool is_word_character(char32_t code_point) {
  return (record_of(code_point).flags & flag_word) != 0;
}

bool is_whitespace(char32_t code_point) {
  return (record_of(code_point).flags & flag_whitespace) != 0;
}

void NormalizedText::reserve(size_t bytes) {
  clear();
  const size_t needed = bytes + normalized_bytes_max;
  if (needed <= capacity_) return;
  bytes_ = std::make_unique_for_overwrite<char[]>(needed);
  capacity_ = needed;
}

void NormalizedText::append(CharacterRule rule, char32_t code_point) {
  ENSURE(capacity_ - size_ >= normalized_bytes_max);
  const size_t begin = size_;
  char* const out = bytes_.get() + begin;
  if (rule.fold == CharacterRule::stays) {
    size_ += write_character(code_point, out);
  } else if (rule.fold == CharacterRule::hangul) {
    size_ += write_hangul(code_point, out);
  } else {
    size_ += write_fold(rule.fold, out);
  }
  if (rule.combining_class == 0) {
    // A stripped accent of class 0 leaves nothing to see, yet marks do not move across it.
    run_begin_ = begin;
  } else if (size_ > begin) {
    move_mark_back(begin, rule.combining_class);
  }
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
  rules_.reserve(std::size(character_records));
  for (const CharacterRecord& record : character_records) {
    rules_.push_back(rule_for(record, options));
  }
  byte_table_.fill(byte_begins_character);
  NormalizedText normalized;
  for (uint16_t byte = 0; byte < 0x80; ++byte) {
    normalized.reserve(0);
    normalized.append(rule_of(byte), byte);
    ENSURE(normalized.view().size() == 1);
    const auto kind = static_cast<uint16_t>(rule_of(byte).kind);
    byte_table_[byte] =
        static_cast<uint16_t>(kind << 8 | static_cast<uint8_t>(normalized.view().front()));
  }
}

CharacterRule Normalizer::rule_of(char32_t code_point) const {
  return rules_[record_number(code_point)];
}

void Normalizer::normalize(std::string_view text, NormalizedText& normalized) const {
  walk(
      text,
      [&](char32_t code_point, size_t, size_t) {
        normalized.append(rule_of(code_point), code_point);
      },
      [&](size_t, size_t) { normalized.append_byte(' '); });
}

}  // namespace hilo
