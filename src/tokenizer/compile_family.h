// What a description of Unigram or byte-level BPE becomes in a blob, beside its tries and pieces.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "tokenizer/description.h"
#include "tokenizer/family_parts.h"
#include "tokenizer/trie.h"

namespace hilo {

struct FamilyImage {
  FamilyOptions options{};
  std::vector<double> scores;
  std::vector<uint32_t> byte_ids;
  std::vector<MergeRecord> merges;
  std::vector<NormalizerStepRecord> steps;
  std::string step_text;
  std::string charsmap;

  // Borrows from this.
  FamilyParts parts() const;
};

FamilyImage make_family_image(const TokenizerDescription& description, uint32_t id_count);

// The pieces that texts are matched against: the bytes that they stand for.
void insert_pieces(const TokenizerDescription& description, Trie& trie);

}  // namespace hilo
