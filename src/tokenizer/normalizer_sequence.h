// The normalizer of Unigram and byte-level BPE: its steps, one after the other over a whole text.
// Threads: never changes; each thread has its own scratch.
#pragma once

#include <cstddef>
#include <optional>
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
  AlignedBuffer first;  // of the first character
  NormalFormScratch form;
  NormalizedText lowercase;  // of one character
};

// A text after its normalizer.
struct NormalizedView {
  AlignedView view;
  // So many bytes at its begin come from the first character of the text before: that is where
  // Metaspace's "first" looks whether something begins a text.
  size_t from_first = 0;
};

class NormalizerSequence {
 public:
  // Borrows the map of Precompiled, and nothing else.
  static Result<NormalizerSequence> open(const FamilyParts& parts);

  // `text` is valid UTF-8. The result lies in `text` or in `scratch`.
  NormalizedView normalize(AlignedView text, NormalizerScratch& scratch) const;

 private:
  // Returns what `from_first` becomes.
  size_t run(const NormalizerStep& step, NormalizedView text, NormalizerScratch& scratch,
             Rewriter& normalized) const;
  Status check_growth() const;

  std::vector<NormalizerStep> steps_;
  std::optional<Precompiled> precompiled_;
  Normalizer lowercase_{NormalizerOptions{.lowercase = true}};
};

}  // namespace hilo
