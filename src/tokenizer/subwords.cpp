#include "tokenizer/subwords.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include "tokenizer/rewriter.h"

namespace hilo {

namespace {

// A key is read from more bytes than the word may have; where they end, from a copy.
WordCache::Key key_of(std::string_view word, const char* readable_end) {
  if (static_cast<size_t>(readable_end - word.data()) >= WordCache::bytes_read)
    return WordCache::key_of(word.data(), word.size());
  std::array<char, WordCache::bytes_read> padded{};
  std::copy(word.begin(), word.end(), padded.begin());
  return WordCache::key_of(padded.data(), word.size());
}

uint64_t next_owner() {
  static std::atomic<uint64_t> owners{0};
  return 1 + owners.fetch_add(1, std::memory_order_relaxed);  // Only has to differ.
}

}  // namespace

Result<Subwords> Subwords::open(const Vocabulary& vocabulary) {
  Result<NormalizerSequence> normalizer = NormalizerSequence::open(vocabulary.family_parts());
  if (!normalizer) return normalizer.error();
  return Subwords(vocabulary, std::move(normalizer).value());
}

Subwords::Subwords(const Vocabulary& vocabulary, NormalizerSequence normalizer)
    : vocabulary_(vocabulary),
      owner_(next_owner()),
      normalizer_(std::move(normalizer)),
      add_prefix_space_(vocabulary.family_parts().options.add_prefix_space != 0),
      metaspace_(pre_tokenizer_of(vocabulary.family_parts().options)),
      splitter_(pre_tokenizer_of(vocabulary.family_parts().options).pattern),
      unigram_(vocabulary),
      bpe_(vocabulary) {}

void Subwords::append(NormalizedView text, SubwordScratch& scratch, TokenBuffer& tokens) const {
  AlignedView rest = text.view;
  if (rest.text.empty()) return;
  scratch.cache.serve(owner_);
  if (vocabulary_.family() == TokenizerFamily::unigram) {
    metaspace_.for_each_word(rest, text.from_first, scratch.word, [&](AlignedView word) {
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
  // The cache knows no offsets.
  if (word.text.size() > WordCache::word_bytes_max || word.sources != nullptr) {
    return append_with_model(word, scratch, tokens);
  }
  const WordCache::Key key = key_of(word.text, readable_end);
  const auto bucket = scratch.cache.bucket_of(key);
  const size_t known = scratch.cache.find(key, bucket, tokens.room_for(WordCache::ids_max));
  if (known != WordCache::unknown) return tokens.advance(known);
  const size_t before = tokens.ids().size();
  append_with_model(word, scratch, tokens);
  scratch.cache.insert(key, bucket, tokens.ids().subspan(before));
}

void Subwords::append_with_model(AlignedView word, SubwordScratch& scratch,
                                 TokenBuffer& tokens) const {
  const size_t before = tokens.ids().size();
  if (vocabulary_.family() == TokenizerFamily::unigram) {
    unigram_.append(word, scratch.unigram, tokens);
  } else {
    bpe_.append(word, scratch.bpe, tokens);
  }
  if (word.sources == nullptr || !vocabulary_.offset_trimming().trims) return;
  for (size_t at = before; at < tokens.ids().size(); ++at) {
    tokens.spaces()[at] = spaces_of(vocabulary_.piece(tokens.ids()[at]));
  }
}

}  // namespace hilo
