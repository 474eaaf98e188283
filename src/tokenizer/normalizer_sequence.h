// The normalizer of Unigram and byte-level BPE: its steps, one after the other over a whole text.
// Threads: never changes; each thread has its own scratch.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/family_parts.h"
#include "tokenizer/normal_forms.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/precompiled.h"

namespace hilo {

struct NormalizerScratch {
  std::string text;
  std::string other;
  NormalFormScratch form;
  NormalizedText lowercase;
};

// A text after its normalizer.
struct NormalizedView {
  std::string_view text;
  // So many bytes at its begin come from the first character of the text before: that is where
  // Metaspace's "first" looks whether something begins a text.
  size_t from_first = 0;
};

class NormalizerSequence {
 public:
  // Borrows the map of Precompiled, and nothing else.
  static Result<NormalizerSequence> open(const FamilyParts& parts);

  // `text` is valid UTF-8. The result lies in `text` or in `scratch`.
  NormalizedView normalize(std::string_view text, NormalizerScratch& scratch) const;

 private:
  // Appends to an empty `normalized`; returns what `from_first` becomes.
  size_t run(const NormalizerStep& step, NormalizedView text, NormalizerScratch& scratch,
             std::string& normalized) const;
  Status check_growth() const;

  std::vector<NormalizerStep> steps_;
  std::optional<Precompiled> precompiled_;
  Normalizer lowercase_{NormalizerOptions{.lowercase = true}};
};

}  // namespace hilo
