#include "tokenizer/words.h"

#include "tokenizer/utf8.h"
#include "tokenizer/word_piece.h"

namespace hilo {

namespace {

// A word of more bytes has more characters than any that is looked up.
size_t known_bytes_max(const Vocabulary& vocabulary) {
  return size_t{character_bytes_max} * vocabulary.word_characters_max();
}

class WordReader {
 public:
  WordReader(const Vocabulary& vocabulary, const Normalizer& normalizer, NormalizedText& word,
             TokenBuffer& tokens)
      : vocabulary_(vocabulary), normalizer_(normalizer), word_(word), tokens_(tokens) {}

  void read(std::string_view text) {
    while (!text.empty() && !tokens_.is_over()) {
      text.remove_prefix(append_word_bytes(text));
      if (text.empty()) break;
      const uint16_t entry = entry_of(text.front());
      if (entry >= Normalizer::byte_begins_character) {
        const DecodedCharacter decoded = decode_first(text);
        text.remove_prefix(decoded.bytes);
        read_character(normalizer_.rule_of(decoded.code_point), decoded.code_point);
      } else {
        text.remove_prefix(1);
        read_separator(entry);
      }
    }
    end_word();
  }

 private:
  uint16_t entry_of(char byte) const {
    return normalizer_.byte_table()[static_cast<uint8_t>(byte)];
  }

  // The bytes up to the next that is no plain part of a word; returns how many.
  size_t append_word_bytes(std::string_view text) {
    for (size_t at = 0; at < text.size(); ++at) {
      const uint16_t entry = entry_of(text[at]);
      if (entry > Normalizer::byte_is_word_max) return at;
      if (!is_surely_unknown()) word_.append_byte(static_cast<char>(entry));
    }
    return text.size();
  }

  void read_separator(uint16_t entry) {
    const CharacterKind kind = Normalizer::kind_of_entry(entry);
    if (kind == CharacterKind::deleted) return;
    end_word();
    if (kind == CharacterKind::space) return;
    word_.append_byte(static_cast<char>(entry & 0xFF));
    end_word();
  }

  void read_character(CharacterRule rule, char32_t code_point) {
    switch (rule.kind) {
      case CharacterKind::deleted:
        return;
      case CharacterKind::word:
        // A mark may move past all that are before it: a word of nothing else would cost the square
        // of its length.
        if (!is_surely_unknown()) word_.append(rule, code_point);
        return;
      case CharacterKind::space:
        return end_word();
      case CharacterKind::alone:
      case CharacterKind::ideograph:
        end_word();
        word_.append(rule, code_point);
        return end_word();
    }
  }

  // The word has more characters than any that is looked up, whatever follows.
  bool is_surely_unknown() const { return word_.view().size() > known_bytes_max(vocabulary_); }

  void end_word() {
    if (word_.empty()) return;
    append_word_pieces(vocabulary_, word_.view(), tokens_);
    word_.clear();
  }

  const Vocabulary& vocabulary_;
  const Normalizer& normalizer_;
  NormalizedText& word_;
  TokenBuffer& tokens_;
};

}  // namespace

void append_words(const Vocabulary& vocabulary, const Normalizer& normalizer, std::string_view text,
                  NormalizedText& word, TokenBuffer& tokens) {
  word.reserve(known_bytes_max(vocabulary) + 1);
  WordReader(vocabulary, normalizer, word, tokens).read(text);
}

}  // namespace hilo
