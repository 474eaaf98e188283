// Words to ids at the speed of memory: the same ids as append_words() of words.h, which says what
// is correct.
//
// A stretch of text goes through three loops. The splitter finds where words begin and end; a batch
// of words gets the keys of the cache, whose memory is fetched meanwhile; then each word's ids are
// taken from there or made, by words.h if the word is more than ASCII letters.
// Threads: a WordEncoder never changes; each thread has its own scratch.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "tokenizer/normalizer.h"
#include "tokenizer/splitter.h"
#include "tokenizer/token_buffer.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_caches.h"

namespace hilo {

// The best splitter that this machine has, or one that the level HILO_CPU names allows.
Splitter choose_splitter();

// Buffers of one thread.
struct WordScratch {
  Stretch stretch{};
  // Where the words of the stretch begin and end; all of them could be punctuation.
  std::array<uint16_t, stretch_bytes_max> begins{};
  std::array<uint16_t, stretch_bytes_max> ends{};
  NormalizedText word;
  WordCaches caches;
};

class WordEncoder {
 public:
  // Borrows `vocabulary`.
  WordEncoder(const Vocabulary& vocabulary, NormalizerOptions options,
              Splitter splitter = choose_splitter());

  // Appends the ids of `text`, which holds no added tokens, and stops soon after the buffer is over
  // its limit.
  void append(std::string_view text, WordScratch& scratch, TokenBuffer& tokens) const;
  const Normalizer& normalizer() const { return normalizer_; }

 private:
  size_t append_stretch(std::string_view text, WordScratch& scratch, TokenBuffer& tokens) const;
  void append_batch(std::span<const uint16_t> begins, std::span<const uint16_t> ends,
                    WordScratch& scratch, TokenBuffer& tokens) const;
  // Bytes up to `readable_end` can be read, too.
  void append_hard_word(std::string_view word, const char* readable_end, WordScratch& scratch,
                        TokenBuffer& tokens) const;
  bool is_word_by_itself(char32_t code_point) const;
  size_t word_end(std::string_view text) const;

  const Vocabulary& vocabulary_;
  Normalizer normalizer_;
  ByteClasses classes_{};
  Splitter splitter_;
  bool parts_ideographs_;
  uint64_t owner_;  // whose words the caches hold
};

}  // namespace hilo
