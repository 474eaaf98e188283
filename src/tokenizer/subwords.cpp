#include "tokenizer/subwords.h"

#include <utility>

#include "tokenizer/rewriter.h"

namespace hilo {

Result<Subwords> Subwords::open(const Vocabulary& vocabulary) {
  Result<NormalizerSequence> normalizer = NormalizerSequence::open(vocabulary.family_parts());
  if (!normalizer) return normalizer.error();
  return Subwords(vocabulary, std::move(normalizer).value());
}

Subwords::Subwords(const Vocabulary& vocabulary, NormalizerSequence normalizer)
    : vocabulary_(vocabulary),
      owner_(WordCaches::next_owner()),
      normalizer_(std::move(normalizer)),
      add_prefix_space_(vocabulary.family_parts().options.add_prefix_space != 0),
      metaspace_(pre_tokenizer_of(vocabulary.family_parts().options)),
      splitter_(pre_tokenizer_of(vocabulary.family_parts().options).pattern),
      unigram_(vocabulary),
      bpe_(vocabulary) {}

void Subwords::append(AlignedView rest, SubwordScratch& scratch, TokenBuffer& tokens) const {
  if (rest.text.empty()) return;
  scratch.caches.serve(owner_);
  if (vocabulary_.family() == TokenizerFamily::unigram) {
    metaspace_.for_each_word(rest, scratch.word, [&](AlignedView word) {
      append_word(word, word.text.data() + word.text.size(), scratch, tokens);
      return !tokens.is_over();
    });
    return;
  }
  if (add_prefix_space_ && !rest.text.starts_with(' ')) {
    Rewriter prefixed(rest, scratch.word);
    prefixed.keep(rest.text.substr(prefixed.prepend(" ")));
    rest = scratch.word.view();
  }
  while (!rest.text.empty() && !tokens.is_over()) {
    const size_t bytes = splitter_.word_bytes(rest.text);
    append_word(rest.part(0, bytes), rest.text.data() + rest.text.size(), scratch, tokens);
    rest = rest.part(bytes);
  }
}

void Subwords::append_word(AlignedView word, const char* readable_end, SubwordScratch& scratch,
                           TokenBuffer& tokens) const {
  // The caches know no offsets.
  if (tokens.wants_offsets()) return append_with_model(word, scratch, tokens);
  scratch.caches.append(word.text, readable_end, tokens,
                        [&](std::string_view text) { append_with_model({text}, scratch, tokens); });
}

void Subwords::append_with_model(AlignedView word, SubwordScratch& scratch,
                                 TokenBuffer& tokens) const {
  const size_t before = tokens.ids().size();
  if (vocabulary_.family() == TokenizerFamily::unigram) {
    unigram_.append(word, scratch.unigram, tokens);
  } else {
    bpe_.append(word, scratch.bpe, tokens);
  }
  if (!tokens.wants_offsets() || !vocabulary_.offset_trimming().trims) return;
  for (size_t at = before; at < tokens.ids().size(); ++at) {
    tokens.spaces()[at] = spaces_of(vocabulary_.piece(tokens.ids()[at]));
  }
}

}  // namespace hilo
