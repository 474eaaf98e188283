// What one character of a text becomes: the BERT normalizer and the character classes of the BERT
// pre-tokenizer, one table look-up a character.
// Threads: a Normalizer never changes.
//
// The reference runs four passes over the text (clean, Chinese, strip accents, lowercase). All but
// one look at single characters, so a table made in advance holds what comes out at the end. The
// exception is the canonical order of combining marks, which NormalizedText keeps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/utf8.h"

namespace hilo {

struct NormalizerOptions {
  bool clean_text = false;
  bool handle_chinese_chars = false;
  bool strip_accents = false;
  bool lowercase = false;
};

enum class CharacterKind : uint8_t {
  word,       // part of a word
  deleted,    // as if it were not there
  space,      // ends a word
  alone,      // punctuation: a word by itself
  ideograph,  // a word by itself, and the normalizer puts spaces round it
};

// What becomes of a character under the options of a Normalizer.
struct CharacterRule {
  static constexpr uint16_t stays = 0;
  static constexpr uint16_t hangul = 0xFFFF;  // a syllable that comes apart
  uint16_t fold;  // one of these, or where the table of strings has what it becomes
  CharacterKind kind;
  uint8_t combining_class;  // 0 where order is not kept: see NormalizedText
};

// `\w` of the reference's regular expressions.
bool is_word_character(char32_t code_point);
bool is_whitespace(char32_t code_point);

// No character becomes more than this many times its bytes, nor more than so many bytes.
// tools/unicode_tables.py checks it.
inline constexpr size_t normalized_growth_max = 3;
inline constexpr size_t normalized_bytes_max = 12;

// Normalized characters, in canonical order. The owner reserves room first; appending does not
// check.
class NormalizedText {
 public:
  // Room for `bytes`, and for one more character; earlier contents are lost.
  void reserve(size_t bytes);
  // Room for what `source_bytes` of text may become.
  void reserve_for(size_t source_bytes) { reserve(source_bytes * normalized_growth_max); }
  void clear() { size_ = run_begin_ = 0; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {bytes_.get(), size_}; }

  void append_byte(char byte) { bytes_[size_++] = byte; }
  // Marks follow their letter in the order of their combining classes, whatever the order in the
  // text.
  void append(CharacterRule rule, char32_t code_point);

 private:
  void move_mark_back(size_t mark, uint8_t combining_class);

  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  size_t run_begin_ = 0;  // no mark moves before this
};

class Normalizer {
 public:
  // What a byte stands for by itself. Values below 0x100 are word characters, ready to append; the
  // others are a kind in the high byte and the character in the low one.
  using ByteTable = std::array<uint16_t, 256>;
  static constexpr uint16_t byte_is_word_max = 0xFF;
  static constexpr uint16_t byte_begins_character = 0xFF00;  // part of a longer character
  static CharacterKind kind_of_entry(uint16_t entry) {
    return static_cast<CharacterKind>(entry >> 8);
  }

  explicit Normalizer(NormalizerOptions options);

  CharacterRule rule_of(char32_t code_point) const;
  // The whole of `text`, appended. The caller has reserved the room.
  void normalize(std::string_view text, NormalizedText& normalized) const;
  // The same for who needs to know what comes from where: calls `append_character` and
  // `append_space` in order, with the place and size of the character that it is for.
  template <class AppendCharacter, class AppendSpace>
  void walk(std::string_view text, const AppendCharacter& append_character,
            const AppendSpace& append_space) const;
  const ByteTable& byte_table() const { return byte_table_; }

 private:
  NormalizerOptions options_;
  std::vector<CharacterRule> rules_;  // by record of the tables
  ByteTable byte_table_;
};

template <class AppendCharacter, class AppendSpace>
void Normalizer::walk(std::string_view text, const AppendCharacter& append_character,
                      const AppendSpace& append_space) const {
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter decoded = decode_first(text.substr(at));
    const CharacterKind kind = rule_of(decoded.code_point).kind;
    const bool becomes_space = kind == CharacterKind::space && options_.clean_text;
    if (becomes_space || kind == CharacterKind::ideograph) append_space(at, decoded.bytes);
    if (!becomes_space && kind != CharacterKind::deleted) {
      append_character(decoded.code_point, at, decoded.bytes);
    }
    if (kind == CharacterKind::ideograph) append_space(at, decoded.bytes);
    at += decoded.bytes;
  }
}

}  // namespace hilo
