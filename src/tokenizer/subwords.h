// Text to words to ids for Unigram and byte-level BPE: normalizer, pre-tokenizer and model, one
// after the other. Threads: never changes; each thread has its own scratch.
#pragma once

#include <string_view>

#include "base/result.h"
#include "tokenizer/byte_level_bpe.h"
#include "tokenizer/metaspace.h"
#include "tokenizer/normalizer_sequence.h"
#include "tokenizer/pretokenizer_regex.h"
#include "tokenizer/token_buffer.h"
#include "tokenizer/unigram.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_caches.h"

namespace hilo {

struct SubwordScratch {
  explicit SubwordScratch(WordCaches& shared) : caches(shared) {}

  AlignedBuffer valid;  // the text, where it was not valid UTF-8
  NormalizerScratch normalizer;
  AlignedBuffer word;
  UnigramScratch unigram;
  BpeScratch bpe;
  WordCaches& caches;
};

class Subwords {
 public:
  // `vocabulary` stays where it is.
  static Result<Subwords> open(const Vocabulary& vocabulary);

  const NormalizerSequence& normalizer() const { return normalizer_; }
  // Whether texts must have sources even where nobody asks for offsets.
  bool needs_sources() const { return metaspace_.needs_sources(); }
  // Appends the ids of a text that is normalized and holds no added tokens, with their offsets if
  // the buffer wants them, and stops soon after that is over its limit.
  void append(AlignedView text, SubwordScratch& scratch, TokenBuffer& tokens) const;

 private:
  Subwords(const Vocabulary& vocabulary, NormalizerSequence normalizer);
  // Bytes up to `readable_end` may be read, too.
  void append_word(AlignedView word, const char* readable_end, SubwordScratch& scratch,
                   TokenBuffer& tokens) const;
  void append_with_model(AlignedView word, SubwordScratch& scratch, TokenBuffer& tokens) const;

  const Vocabulary& vocabulary_;
  uint64_t owner_;  // whose words a cache holds
  NormalizerSequence normalizer_;
  bool add_prefix_space_;
  Metaspace metaspace_;
  RegexSplitter splitter_;
  Unigram unigram_;
  ByteLevelBpe bpe_;
};

}  // namespace hilo
