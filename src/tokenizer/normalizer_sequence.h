// The normalizer of Unigram and byte-level BPE: its steps, one after the other over a whole text.
// Threads: never changes; each thread has its own scratch.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/aligned_view.h"
#include "tokenizer/family_parts.h"
#include "tokenizer/normal_forms.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/precompiled.h"
#include "tokenizer/rewriter.h"

namespace hilo {

struct NormalizerScratch {
  AlignedBuffer text;
  AlignedBuffer other;
  NormalFormScratch form;
  NormalizedText lowercase;  // of one character
};

class NormalizerSequence {
 public:
  // Borrows the map of Precompiled, and nothing else.
  static Result<NormalizerSequence> open(const FamilyParts& parts);

  // `text` is valid UTF-8. The result lies in `text` or in `scratch`.
  AlignedView normalize(AlignedView text, NormalizerScratch& scratch) const;

 private:
  void run(const NormalizerStep& step, std::string_view text, NormalizerScratch& scratch,
           Rewriter& normalized) const;
  Status check_growth() const;

  std::vector<NormalizerStep> steps_;
  std::optional<Precompiled> precompiled_;
  Normalizer lowercase_{NormalizerOptions{.lowercase = true}};
};

}  // namespace hilo
