// Writes what a step makes of a text, and where it comes from if that is wanted.
//
// The reference does not say for each character what it comes from. It counts: a new character
// takes the place of the next of the old ones (change 0), also of some that follow (-1 for each),
// or of none (1), and then it has the place of the last that was taken. Where the counts of a step
// are not quite what it does, offsets show it, and so they do here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tokenizer/aligned_view.h"

namespace hilo {

class Rewriter {
 public:
  // `to` becomes what is written; `from` stays where it is.
  Rewriter(AlignedView from, AlignedBuffer& to) : from_(from), to_(to) { to.clear(); }

  // The next characters, which are `part`, stay.
  void keep(std::string_view part) {
    to_.text += part;
    if (from_.sources != nullptr && !part.empty()) align_kept(part);
  }
  // The next characters, which are `part`, go.
  void remove(std::string_view part) {
    if (from_.sources != nullptr) skip_characters_of(part);
  }
  void put(std::string_view character, int32_t change) {
    to_.text += character;
    if (from_.sources != nullptr) align(character.size(), change);
  }
  // Characters that take the place of none.
  void insert(std::string_view text);
  // The next characters, which are `before`, become those of `after`, as Precompiled counts them.
  void rewrite(std::string_view before, std::string_view after);
  // `content` comes before the first character. Returns the bytes of that, which is written, too.
  size_t prepend(std::string_view content);

 private:
  void align(size_t bytes, int32_t change);
  void align_kept(std::string_view part);
  void align_last_again();
  TokenOffsets next_source() const;
  void skip(size_t characters);
  void skip_characters_of(std::string_view part);

  AlignedView from_;
  AlignedBuffer& to_;
  // Up to here the old text is taken. Only if offsets are wanted.
  size_t at_ = 0;
  bool last_was_inserted_ = false;
};

}  // namespace hilo
