// Tests only: the tokenizer as one would write it down, slow and plain. Stages one after the other
// over whole texts, words looked up piece by piece in a map. No added tokens, no template.
//
// The stages follow the reference's order, so that what the tables fold into one look-up is done
// here in steps: the fuzzer and the tests hold the two against each other.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/description.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/utf8.h"

namespace hilo {

class ReferenceTokenizer {
 public:
  explicit ReferenceTokenizer(TokenizerDescription description)
      : description_(std::move(description)) {}

  std::vector<uint32_t> encode(std::string_view text) const {
    std::vector<uint32_t> ids;
    for (const std::u32string& word : words_of(normalize(decode(text)))) append_pieces(word, ids);
    return ids;
  }

 private:
  static std::u32string decode(std::string_view text) {
    std::u32string characters;
    while (!text.empty()) {
      const DecodedCharacter decoded = decode_first(text);
      characters += decoded.code_point;
      text.remove_prefix(decoded.bytes);
    }
    return characters;
  }

  // One stage: each character by a normalizer that does only this.
  static std::u32string stage(std::u32string_view text, NormalizerOptions only) {
    const Normalizer normalizer(only);
    std::string encoded;
    for (const char32_t character : text) encoded += encode_character(character).view();
    NormalizedText normalized;
    normalized.reserve_for(encoded.size());
    normalizer.normalize(encoded, normalized);
    return decode(normalized.view());
  }

  std::u32string normalize(std::u32string text) const {
    const NormalizerOptions& options = description_.normalizer;
    if (options.clean_text) text = stage(text, {.clean_text = true});
    if (options.handle_chinese_chars) text = stage(text, {.handle_chinese_chars = true});
    if (options.strip_accents) text = stage(text, {.strip_accents = true});
    if (options.lowercase) text = stage(text, {.lowercase = true});
    return text;
  }

  static std::vector<std::u32string> words_of(std::u32string_view text) {
    const Normalizer as_is{NormalizerOptions{}};
    std::vector<std::u32string> words(1);
    for (const char32_t character : text) {
      const CharacterKind kind = as_is.rule_of(character).kind;
      if (kind == CharacterKind::word) {
        words.back() += character;
      } else {
        if (kind == CharacterKind::alone) words.emplace_back(1, character);
        words.emplace_back();
      }
    }
    std::erase_if(words, [](const std::u32string& word) { return word.empty(); });
    return words;
  }

  void append_pieces(std::u32string_view word, std::vector<uint32_t>& ids) const {
    const uint32_t unknown = description_.pieces.find(description_.unknown_piece)->id;
    if (word.size() > description_.word_characters_max) return ids.push_back(unknown);
    std::vector<uint32_t> found;
    for (size_t begin = 0; begin < word.size();) {
      size_t end = word.size();
      const Piece* piece = nullptr;
      for (; end > begin; --end) {
        std::string key = begin == 0 ? "" : description_.continuation_prefix;
        for (const char32_t c : word.substr(begin, end - begin)) key += encode_character(c).view();
        piece = description_.pieces.find(key);
        if (piece != nullptr) break;
      }
      if (end == begin) return ids.push_back(unknown);
      found.push_back(piece->id);
      begin = end;
    }
    ids.insert(ids.end(), found.begin(), found.end());
  }

  TokenizerDescription description_;
};

}  // namespace hilo
