#include "tokenizer/graphemes.h"

#include <cstdint>

#include "tokenizer/utf8.h"

namespace hilo {

namespace {

#include "tokenizer/data/grapheme_tables.inc"

// In the order of tools/subword_tables.py. Linkers, the non-joiner and consonants are those of
// Indic conjuncts.
enum class Class : uint8_t {
  other,
  cr,
  lf,
  control,
  extend,
  linker,
  non_joiner,
  zwj,
  spacing_mark,
  prepend,
  regional_indicator,
  pictographic,
  consonant,
  l,
  v,
  t,
  lv,
  lvt,
};

Class class_of(char32_t character) {
  return static_cast<Class>(
      class_of_character[page_of_block[character / 128] * 128U + character % 128]);
}

bool is_control(Class c) { return c == Class::cr || c == Class::lf || c == Class::control; }
bool is_extend(Class c) {
  return c == Class::extend || c == Class::linker || c == Class::non_joiner;
}

bool hangul_joins(Class before, Class after) {
  switch (before) {
    case Class::l:
      return after == Class::l || after == Class::v || after == Class::lv || after == Class::lvt;
    case Class::lv:
    case Class::v:
      return after == Class::v || after == Class::t;
    case Class::lvt:
    case Class::t:
      return after == Class::t;
    default:
      return false;
  }
}

// What of the characters so far decides about the next.
class Cluster {
 public:
  explicit Cluster(Class first) { take(first); }

  bool goes_on_with(Class next) const {
    if (last_ == Class::cr && next == Class::lf) return true;   // GB3
    if (is_control(last_) || is_control(next)) return false;    // GB4, GB5
    if (hangul_joins(last_, next)) return true;                 // GB6 to GB8
    if (is_extend(next) || next == Class::zwj) return true;     // GB9
    if (next == Class::spacing_mark) return true;               // GB9a
    if (last_ == Class::prepend) return true;                   // GB9b
    if (next == Class::consonant) return linked_;               // GB9c
    if (next == Class::pictographic) return joined_;            // GB11
    return next == Class::regional_indicator && is_half_flag_;  // GB12, GB13
  }

  void take(Class next) {
    // A consonant, then marks with a linker among them.
    linked_ = in_conjunct_ &&
              (next == Class::linker || (linked_ && (next == Class::extend || next == Class::zwj)));
    in_conjunct_ = next == Class::consonant || (in_conjunct_ && next != Class::non_joiner &&
                                                (is_extend(next) || next == Class::zwj));
    // A pictograph, then marks, then a joiner.
    joined_ = in_pictograph_ && next == Class::zwj;
    in_pictograph_ = next == Class::pictographic || (in_pictograph_ && is_extend(next));
    is_half_flag_ = next == Class::regional_indicator && !is_half_flag_;
    last_ = next;
  }

 private:
  Class last_ = Class::other;
  bool in_conjunct_ = false;
  bool linked_ = false;
  bool in_pictograph_ = false;
  bool joined_ = false;
  bool is_half_flag_ = false;
};

}  // namespace

size_t grapheme_bytes(std::string_view text) {
  const DecodedCharacter first = decode_first(text);
  size_t bytes = first.bytes;
  Cluster cluster(class_of(first.code_point));
  while (bytes < text.size()) {
    const DecodedCharacter next = decode_first(text.substr(bytes));
    const Class next_class = class_of(next.code_point);
    if (!cluster.goes_on_with(next_class)) break;
    cluster.take(next_class);
    bytes += next.bytes;
  }
  return bytes;
}

}  // namespace hilo
