// A word to the ids of a Unigram model: of all ways to cut it into pieces the one of the highest
// sum of scores. Threads: never changes; each thread has its own scratch.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/aligned_view.h"
#include "tokenizer/token_buffer.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

struct UnigramScratch {
  // The best path to a place in the word: its last piece.
  struct Step {
    double score;
    uint32_t id;
    uint32_t begin;
  };
  std::vector<Step> best;
  std::vector<Step> path;
};

class Unigram {
 public:
  explicit Unigram(const Vocabulary& vocabulary);

  // `word` is valid UTF-8 and not empty.
  void append(AlignedView word, UnigramScratch& scratch, TokenBuffer& tokens) const;

 private:
  void find_best(std::string_view word, std::vector<UnigramScratch::Step>& best) const;
  void append_unknown(AlignedView part, TokenBuffer& tokens) const;

  const Vocabulary& vocabulary_;
  double unknown_score_;
  bool byte_fallback_;
};

}  // namespace hilo
