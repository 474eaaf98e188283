// Tests only: the texts and tokenizers of tests/oracle/tokenizer_cases.py, number for number.
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/description.h"
#include "tokenizer/utf8.h"

namespace hilo::cases {

using namespace std::string_view_literals;

inline constexpr uint32_t batch_texts = 250;
inline constexpr uint32_t block_characters = 4096;
inline constexpr uint32_t code_points = 0x110000;

using Range = std::pair<char32_t, char32_t>;  // first, and one after the last
inline constexpr auto marks = std::to_array<Range>({{0x300, 0x370},
                                                    {0x483, 0x488},
                                                    {0x591, 0x5BE},
                                                    {0x64B, 0x660},
                                                    {0x8E3, 0x904},
                                                    {0x9BC, 0x9FF},
                                                    {0xE38, 0xE3B},
                                                    {0xEBA, 0xEBC},
                                                    {0xF71, 0xF85},
                                                    {0x135D, 0x1360},
                                                    {0x1AB0, 0x1AFF},
                                                    {0x1BAA, 0x1BAC},
                                                    {0x1DC0, 0x1E00},
                                                    {0x20D0, 0x20F1},
                                                    {0x302A, 0x3031},
                                                    {0xA953, 0xA954},
                                                    {0x110B9, 0x110BB},
                                                    {0x1D15E, 0x1D173},
                                                    {0x1D1BB, 0x1D1C1}});
inline constexpr auto odd_characters = std::to_array<char32_t>(
    {0x130,  0x131,   0x3A3,   0x3C2,   0xDF,   0x1E9E,  0x212A,  0x212B,  0x2126,  0x1734,
     0x166D, 0x111C9, 0x1885,  0xA9BD,  0x180E, 0x2B820, 0x2B91F, 0x2B920, 0x2CEB0, 0xFFFD,
     0x0,    0x85,    0xA0,    0xAD,    0x200B, 0x200D,  0xFEFF,  0x2028,  0xE0001, 0x302E,
     0x302F, 0x1D165, 0x37E,   0x1FEF,  0x2000, 0x344,   0xF73,   0x11938, 0xF900,  0x2F800,
     0xFB1D, 0x1C89,  0x10D50, 0x16EA0, 0x9FD,  0x9FE});
inline constexpr auto fragments = std::to_array<std::string_view>(
    {"[SEP]",        "[CLS]",   "[MASK]",    "[UNK]",       "[PAD]",
     "[sep]",        "[[SEP]]", "[SEP",      "[unused1]",   "##ing",
     "<w>",          "<left>",  " <right> ", "  <both>  ",  "Hello World",
     "hello  world", "<x>",     "<x><y>",    "stra\u00dfe", "\u00c9t\u00e9",
     "\u3000<left>", " s"});
inline constexpr auto alphabet = std::to_array<Range>({{0x21, 0x3400},
                                                       {0xA000, 0xAC00},
                                                       {0xF900, 0x10000},
                                                       {0x10000, 0x12000},
                                                       {0x1D000, 0x1D200},
                                                       {0x1E000, 0x1EA00}});

inline std::string read_source_file(const std::string& path) {
  return read_text_file(HILO_SOURCE_DIR + ("/" + path)).value();
}

inline const std::vector<std::string>& vocabulary_lines() {
  static const std::vector<std::string> lines = [] {
    std::vector<std::string> read;
    std::ifstream file(HILO_SOURCE_DIR "/src/tokenizer/data/bert-base-uncased-vocab.txt");
    for (std::string line; std::getline(file, line);) read.push_back(line);
    return read;
  }();
  return lines;
}

class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint32_t below(uint32_t bound) {
    uint64_t mixed = state_ += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return static_cast<uint32_t>((mixed ^ (mixed >> 31)) % bound);
  }

 private:
  uint64_t state_;
};

// Texts that mix what tokenizers get wrong. Equal seeds make equal texts.
class TextMaker {
 public:
  explicit TextMaker(uint64_t seed) : random_(seed) {}

  std::string text() {
    std::string made;
    for (uint32_t parts = random_.below(13); parts > 0; --parts) {
      append_part(made, random_.below(17));
      if (random_.below(10) < 3) made += ' ';
    }
    return made;
  }
  uint32_t below(uint32_t bound) { return random_.below(bound); }

 private:
  static void append(std::string& text, char32_t code_point) {
    text += encode_character(code_point).view();
  }
  template <class MakeCodePoint>
  void append_several(std::string& text, uint32_t count_max, const MakeCodePoint& make) {
    for (uint32_t count = 1 + random_.below(count_max); count > 0; --count) append(text, make());
  }
  char32_t mark() {
    const auto [first, end] = marks[random_.below(marks.size())];
    return first + random_.below(end - first);
  }

  void append_part(std::string& text, uint32_t kind) {
    if (kind < 4) {
      const auto& lines = vocabulary_lines();
      std::string_view line = lines[random_.below(static_cast<uint32_t>(lines.size()))];
      if (line.starts_with("##")) line.remove_prefix(2);
      text += line;
    } else if (kind < 6) {
      append_several(text, 8, [&] { return 0x20 + random_.below(95); });
    } else if (kind == 6) {
      append_several(text, 2, [&] { return 0xA0 + random_.below(0x1B0); });
    } else if (kind == 7) {
      append_several(text, 4, [&] { return 0x250 + random_.below(0x1DB0); });
    } else if (kind == 8) {
      append_several(text, 4, [&] { return mark(); });
    } else if (kind == 9) {
      append(text, odd_characters[random_.below(odd_characters.size())]);
    } else if (kind == 10) {
      const char32_t code_point = random_.below(code_points - 0x800);
      append(text, code_point < 0xD800 ? code_point : code_point + 0x800);
    } else if (kind == 11) {
      const EncodedCharacter syllable = encode_character(0xAC00 + random_.below(11172));
      constexpr std::array<int, 4> counts = {1, 2, 33, 34};
      for (int count = counts[random_.below(4)]; count > 0; --count) text += syllable.view();
    } else if (kind == 12) {
      append(text, 0x4E00 + random_.below(0x5200));
    } else if (kind == 13) {
      append(text, random_.below(0x21));
    } else if (kind < 16) {
      text += fragments[random_.below(fragments.size())];
    } else {
      text.append(99 + random_.below(4), 'a');
    }
  }

  SplitMix64 random_;
};

// `before`, a code point, `after`, for each code point of a block.
inline std::vector<std::string> block_texts(uint32_t block, std::string_view before,
                                            std::string_view after) {
  std::vector<std::string> texts;
  for (char32_t c = block * block_characters; c < (block + 1) * block_characters; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    texts.push_back(std::string(before).append(encode_character(c).view()).append(after));
  }
  return texts;
}

// Four bits, as in the Python file: clean_text, handle_chinese_chars, strip_accents, lowercase.
inline NormalizerOptions options_of(uint32_t flags) {
  return {.clean_text = (flags & 1) != 0,
          .handle_chinese_chars = (flags & 2) != 0,
          .strip_accents = (flags & 4) != 0,
          .lowercase = (flags & 8) != 0};
}

inline TokenizerDescription bert_description(uint32_t flags = 15) {
  static const TokenizerDescription stock =
      describe_vocabulary_text(read_source_file("src/tokenizer/data/bert-base-uncased-vocab.txt"),
                               "vocab.txt", "")
          .value();
  TokenizerDescription description = stock;
  description.normalizer = options_of(flags);
  return description;
}

inline TokenizerDescription alphabet_description(uint32_t flags) {
  TokenizerDescription description;
  uint32_t next = 0;
  for (const char* piece : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    description.pieces.emplace(piece, next++);
    description.add({.content = piece, .special = true});
  }
  for (const auto& [first, end] : alphabet) {
    for (char32_t c = first; c < end; ++c) {
      const std::string text(encode_character(c).view());
      description.pieces.emplace(text, 2 * c + 10);
      description.pieces.emplace("##" + text, 2 * c + 11);
    }
  }
  description.use_bert_template(2, 3);
  description.normalizer = options_of(flags);
  return description;
}

inline TokenizerDescription added_tokens_description() {
  TokenizerDescription description = bert_description();
  description.add({.content = "<w>", .single_word = true});
  description.add({.content = "<left>", .lstrip = true});
  description.add({.content = "<right>", .rstrip = true});
  description.add({.content = "<both>", .lstrip = true, .rstrip = true});
  description.add({.content = "Hello World", .normalized = true});
  description.add({.content = "<x>"});
  description.add({.content = "<x><y>", .normalized = true});
  description.add({.content = "stra\u00dfe", .single_word = true, .normalized = true});
  description.add({.content = "\u00c9t\u00e9", .lstrip = true, .normalized = true});
  description.add({.content = " s", .single_word = true, .rstrip = true});
  description.add({.content = "\u4e00"});
  return description;
}

}  // namespace hilo::cases
