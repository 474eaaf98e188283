// A word to the ids of a byte-level BPE: its bytes, of which two neighbours after the other become
// one, those of the lowest rank first and of equal ones the first in the word. Threads: never
// changes; each thread has its own scratch.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/aligned_view.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/token_buffer.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

struct BpeScratch {
  struct Symbol {
    uint32_t id;
    uint32_t previous;
    uint32_t next;
  };
  // Two neighbours that may become one, if they are still there.
  struct Candidate {
    uint32_t rank;
    uint32_t place;
    uint32_t merged;
  };
  std::vector<uint32_t> ids;
  std::vector<uint32_t> letters;           // bytes of letters that each id stands for
  std::vector<TokenOffsets> sources;       // of each byte of letters
  std::vector<const MergeRecord*> merges;  // of each id with the next
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

class ByteLevelBpe {
 public:
  explicit ByteLevelBpe(const Vocabulary& vocabulary);

  // `word` is not empty.
  void append(AlignedView word, BpeScratch& scratch, TokenBuffer& tokens) const;

 private:
  void read_bytes(std::string_view word, BpeScratch& scratch) const;
  void merge_short(BpeScratch& scratch) const;
  void merge_long(BpeScratch& scratch) const;
  static void push_symbols(AlignedView word, BpeScratch& scratch, TokenBuffer& tokens);

  const Vocabulary& vocabulary_;
  MergeTable merges_;
  bool fuse_unknown_;
  bool ignore_merges_;
};

}  // namespace hilo
