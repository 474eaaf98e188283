#include "tokenizer/aligned_text.h"

#include <algorithm>

#include "tokenizer/utf8.h"

namespace hilo {

void AlignedText::clear() {
  bytes_.clear();
  sources_.clear();
  run_.clear();
  run_places_.clear();
}

void AlignedText::append(const Normalizer& normalizer, char32_t code_point, TokenOffsets source) {
  const CharacterRule rule = normalizer.rule_of(code_point);
  if (rule.fold == CharacterRule::stays) {
    return add_part(encode_character(code_point).view(), rule.combining_class, true, source);
  }
  character_.clear();
  character_.append(rule, code_point);
  std::string_view parts = character_.view();
  if (parts.empty()) return add_part({}, rule.combining_class, true, source);
  bool is_first = true;
  while (!parts.empty()) {
    const DecodedCharacter part = decode_first(parts);
    // Only the first part's class is in the rule. The others are marks that order is kept of, too.
    const uint8_t part_class =
        is_first ? rule.combining_class : normalizer.rule_of(part.code_point).combining_class;
    add_part(parts.substr(0, part.bytes), part_class, is_first, source);
    parts.remove_prefix(part.bytes);
    is_first = false;
  }
}

void AlignedText::add_part(std::string_view part, uint8_t combining_class, bool takes_place,
                           TokenOffsets source) {
  if (combining_class == 0) {
    finish();
    bytes_ += part;
    sources_.insert(sources_.end(), part.size(), source);
    last_place_ = source;
    return;
  }
  Mark mark{{}, static_cast<uint8_t>(part.size()), combining_class, takes_place};
  std::copy(part.begin(), part.end(), mark.bytes.begin());
  run_.push_back(mark);
  if (takes_place) run_places_.push_back(source);
}

void AlignedText::finish() {
  if (run_.size() > 1) {
    std::stable_sort(run_.begin(), run_.end(), [](const Mark& a, const Mark& b) {
      return a.combining_class < b.combining_class;
    });
  }
  auto place = run_places_.begin();
  for (const Mark& mark : run_) {
    if (mark.takes_place) last_place_ = *place++;
    bytes_ += mark.view();
    sources_.insert(sources_.end(), mark.size, last_place_);
  }
  run_.clear();
  run_places_.clear();
}

void AlignedText::append_normalized(const Normalizer& normalizer, std::string_view text,
                                    size_t begin) {
  const auto place = [begin](size_t at, size_t bytes) { return offsets_of(begin + at, bytes); };
  normalizer.walk(
      text,
      [&](char32_t code_point, size_t at, size_t bytes) {
        append(normalizer, code_point, place(at, bytes));
      },
      [&](size_t at, size_t bytes) { append_byte(' ', place(at, bytes)); });
  finish();
}

}  // namespace hilo
