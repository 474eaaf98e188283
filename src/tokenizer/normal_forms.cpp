#include "tokenizer/normal_forms.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "tokenizer/utf8.h"

namespace hilo {

namespace {

struct FormRecord {
  uint8_t combining_class;
  uint8_t flags;
  uint16_t canonical;  // where its decomposition is in form_strings; 0: it has none
  uint16_t compatible;
};

struct Composition {
  uint32_t first;
  uint32_t second;
  uint32_t composed;
};

// Of tools/subword_tables.py. What stays may still become one with what comes after it.
constexpr uint8_t stays_in_nfc = 2;
constexpr uint8_t stays_in_nfkc = 4;

#include "tokenizer/data/normal_form_tables.inc"

constexpr char32_t hangul_first = 0xAC00;
constexpr char32_t leading_first = 0x1100;
constexpr char32_t vowel_first = 0x1161;
constexpr char32_t trailing_first = 0x11A7;  // one before the first
constexpr uint32_t leading_count = 19;
constexpr uint32_t vowel_count = 21;
constexpr uint32_t trailing_count = 28;
constexpr uint32_t syllable_count = leading_count * vowel_count * trailing_count;

const FormRecord& record_of(char32_t character) {
  return form_records[record_of_character[page_of_block[character / 128] * 128U + character % 128]];
}

bool is_ascii(char byte) { return static_cast<uint8_t>(byte) < 0x80; }

bool is_syllable(char32_t character) {
  return character >= hangul_first && character - hangul_first < syllable_count;
}

std::optional<char32_t> compose(char32_t first, char32_t second) {
  if (first >= leading_first && first - leading_first < leading_count && second >= vowel_first &&
      second - vowel_first < vowel_count) {
    return hangul_first +
           ((first - leading_first) * vowel_count + (second - vowel_first)) * trailing_count;
  }
  if (is_syllable(first) && (first - hangul_first) % trailing_count == 0 &&
      second > trailing_first && second - trailing_first < trailing_count) {
    return first + (second - trailing_first);
  }
  const auto* const found = std::lower_bound(std::begin(compositions), std::end(compositions),
                                             std::pair<uint32_t, uint32_t>{first, second},
                                             [](const Composition& c, const auto& key) {
                                               return std::pair{c.first, c.second} < key;
                                             });
  if (found == std::end(compositions) || found->first != first || found->second != second) {
    return std::nullopt;
  }
  return found->composed;
}

class Form {
 public:
  Form(NormalForm form, NormalFormScratch& scratch, Rewriter& normalized)
      : composes_(form == NormalForm::nfc || form == NormalForm::nfkc),
        is_compatible_(form == NormalForm::nfkc || form == NormalForm::nfkd),
        run_(scratch.run),
        sorted_(scratch.sorted),
        normalized_(normalized) {}

  // A character that stays as it is, and acts on none before it, ends what came before: whole
  // stretches of them are copied, all but the last, on which a mark might act.
  void append(std::string_view text) {
    run_.clear();
    size_t copied = 0;  // up to here everything is done
    size_t at = 0;
    while (at < text.size()) {
      at = end_of_kept(text, at);
      if (at == text.size()) break;
      normalized_.keep(text.substr(copied, at - copied));
      at = append_run(text, at);
      copied = at;
    }
    normalized_.keep(text.substr(copied));
  }

 private:
  // From a character on: the first one that does not stay or that the next one does not let stay.
  size_t end_of_kept(std::string_view text, size_t at) const {
    while (at < text.size()) {
      if (is_ascii(text[at]) && (at + 1 == text.size() || is_ascii(text[at + 1]))) {
        ++at;
        continue;
      }
      DecodedCharacter last = decode_first(text.substr(at));
      if (!stays(last.code_point)) return at;
      size_t end = at + last.bytes;
      while (end < text.size()) {
        last = decode_first(text.substr(end));
        if (!stays(last.code_point)) return at;
        at = end;
        end += last.bytes;
        if (last.bytes == 1) break;  // ASCII is passed over faster
      }
      if (end == text.size()) return end;
    }
    return at;
  }

  bool stays(char32_t character) const {
    if (character < 0x80) return true;
    const FormRecord& record = record_of(character);
    if (composes_) return (record.flags & (is_compatible_ ? stays_in_nfkc : stays_in_nfc)) != 0;
    const uint16_t place = is_compatible_ ? record.compatible : record.canonical;
    return record.combining_class == 0 && place == 0 && !is_syllable(character);
  }

  // From one character up to the next that stays.
  size_t append_run(std::string_view text, size_t at) {
    run_.clear();
    do {
      const DecodedCharacter decoded = decode_first(text.substr(at));
      decompose(decoded.code_point);
      at += decoded.bytes;
    } while (at < text.size() && !stays(decode_first(text.substr(at)).code_point));
    put_in_order();
    if (composes_) compose_run();
    for (const NormalFormScratch::Mark& mark : run_) {
      normalized_.put(encode_character(mark.character).view(), mark.change);
    }
    return at;
  }

  void push(char32_t character, int32_t change) {
    run_.push_back({character, record_of(character).combining_class, change});
  }

  void decompose(char32_t character) {
    if (is_syllable(character)) {
      const uint32_t index = character - hangul_first;
      push(leading_first + index / (vowel_count * trailing_count), 0);
      push(vowel_first + index % (vowel_count * trailing_count) / trailing_count, 1);
      if (index % trailing_count != 0) push(trailing_first + index % trailing_count, 1);
      return;
    }
    const FormRecord& record = record_of(character);
    const uint16_t place = is_compatible_ ? record.compatible : record.canonical;
    if (place == 0) return push(character, 0);
    const uint32_t count = form_strings[place];
    for (uint32_t part = 1; part <= count; ++part) {
      push(form_strings[place + part], part == 1 ? 0 : 1);
    }
  }

  // Marks after a letter follow the order of their classes, and equal ones that of the text. They
  // are sorted by counting, so that a million of them take no longer than they should.
  void put_in_order() {
    for (size_t begin = 0; begin < run_.size();) {
      if (run_[begin].combining_class == 0) {
        ++begin;
        continue;
      }
      size_t end = begin;
      while (end < run_.size() && run_[end].combining_class != 0) ++end;
      if (end - begin > 1) sort_by_class(std::span(run_).subspan(begin, end - begin));
      begin = end;
    }
  }

  void sort_by_class(std::span<NormalFormScratch::Mark> marks) {
    const auto in_order = [](const auto& a, const auto& b) {
      return a.combining_class < b.combining_class;
    };
    if (std::is_sorted(marks.begin(), marks.end(), in_order)) return;
    std::array<uint32_t, 257> place{};
    for (const auto& mark : marks) ++place[mark.combining_class + 1U];
    for (size_t value = 1; value < place.size(); ++value) place[value] += place[value - 1];
    sorted_.resize(marks.size());
    for (const auto& mark : marks) sorted_[place[mark.combining_class]++] = mark;
    std::copy_n(sorted_.begin(), marks.size(), marks.begin());
  }

  // In place: what is composed is never longer.
  void compose_run() {
    size_t kept = 0;
    std::optional<size_t> starter;
    uint32_t last_class = 0;  // of the mark kept last after the starter; 0: none is
    for (const NormalFormScratch::Mark mark : run_) {
      const bool blocked = last_class != 0 && last_class >= mark.combining_class;
      if (starter && !blocked) {
        if (const auto composed = compose(run_[*starter].character, mark.character)) {
          run_[*starter].character = *composed;
          run_[*starter].change += mark.change - 1;
          continue;
        }
      }
      if (mark.combining_class == 0) starter = kept;
      last_class = mark.combining_class;
      run_[kept++] = mark;
    }
    run_.resize(kept);
  }

  bool composes_;
  bool is_compatible_;
  std::vector<NormalFormScratch::Mark>& run_;
  std::vector<NormalFormScratch::Mark>& sorted_;
  Rewriter& normalized_;
};

}  // namespace

void normalize_to(NormalForm form, std::string_view text, NormalFormScratch& scratch,
                  Rewriter& normalized) {
  Form(form, scratch, normalized).append(text);
}

}  // namespace hilo
