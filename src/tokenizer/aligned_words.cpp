#include "tokenizer/aligned_words.h"

#include "tokenizer/utf8.h"
#include "tokenizer/word_piece.h"

namespace hilo {

namespace {

void end_word(const Vocabulary& vocabulary, AlignedText& word, TokenBuffer& tokens) {
  word.finish();
  const size_t before = tokens.ids().size();
  const size_t bytes = word.view().size();
  const bool known =
      split_word(vocabulary, word.view(), [&](uint32_t id, size_t begin, size_t size) {
        tokens.push(id, word.source_of(offsets_of(begin, size)));
      });
  if (!known) {
    tokens.cut(before);
    tokens.push(vocabulary.unknown_id(), word.source_of(offsets_of(0, bytes)));
  }
  word.clear();
}

}  // namespace

void append_aligned_words(const Vocabulary& vocabulary, const Normalizer& normalizer,
                          std::string_view text, size_t begin, AlignedText& word,
                          TokenBuffer& tokens) {
  word.clear();
  for (size_t at = 0; at < text.size() && !tokens.is_over();) {
    const uint16_t entry = normalizer.byte_table()[static_cast<uint8_t>(text[at])];
    if (entry <= Normalizer::byte_is_word_max) {
      word.append_byte(static_cast<char>(entry), offsets_of(begin + at, 1));
      ++at;
      continue;
    }
    const DecodedCharacter decoded = decode_first(text.substr(at));
    const auto append = [&] {
      word.append(normalizer, decoded.code_point, offsets_of(begin + at, decoded.bytes));
    };
    switch (normalizer.rule_of(decoded.code_point).kind) {
      case CharacterKind::deleted:
        break;
      case CharacterKind::word:
        append();
        break;
      case CharacterKind::space:
        end_word(vocabulary, word, tokens);
        break;
      case CharacterKind::alone:
      case CharacterKind::ideograph:
        end_word(vocabulary, word, tokens);
        append();
        end_word(vocabulary, word, tokens);
        break;
    }
    at += decoded.bytes;
  }
  end_word(vocabulary, word, tokens);
}

}  // namespace hilo
