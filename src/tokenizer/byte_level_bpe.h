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
#include "tokenizer/whole_characters.h"

namespace hilo {

struct BpeScratch {
  struct Symbol {
    uint32_t id;
    uint32_t previous;
    uint32_t next;
    uint32_t letters;  // bytes of letters that it stood for before it became one with others
  };
  // Two neighbours that may become one, if they are still there.
  struct Candidate {
    uint64_t order;  // the rank, then the place
    uint32_t left;
    uint32_t right;
    uint32_t merged;
    uint32_t place() const { return static_cast<uint32_t>(order); }
  };
  std::vector<Symbol> symbols;
  std::vector<int32_t> ranks;    // of each symbol with the next
  std::vector<uint32_t> merged;  // what the two become
  std::vector<Candidate> heap;
  std::vector<TokenOffsets> sources;  // of each byte of letters
};

class ByteLevelBpe {
 public:
  explicit ByteLevelBpe(const Vocabulary& vocabulary);

  // `word` is not empty, and valid UTF-8.
  void append(AlignedView word, BpeScratch& scratch, TokenBuffer& tokens) const;

 private:
  void read_word(std::string_view word, BpeScratch& scratch) const;
  void merge_short(BpeScratch& scratch) const;
  void merge_long(BpeScratch& scratch) const;
  static void push_symbols(AlignedView word, BpeScratch& scratch, TokenBuffer& tokens);

  const Vocabulary& vocabulary_;
  MergeTable merges_;
  WholeCharacters characters_;
  bool fuse_unknown_;
  bool ignore_merges_;
};

}  // namespace hilo
