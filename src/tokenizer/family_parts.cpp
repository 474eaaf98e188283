#include "tokenizer/family_parts.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace hilo {

namespace {

constexpr size_t steps_max = 16;
constexpr size_t byte_values = 256;

Status damaged(const char* what) {
  return Error{fmt::format("the compiled vocabulary is damaged: {}", what)};
}

bool is_id(uint32_t id, uint32_t id_count) { return id < id_count; }

Status check_steps(const FamilyParts& parts) {
  if (parts.steps.size() > steps_max) {
    return Error{fmt::format("its normalizer has {} steps; up to {} are supported",
                             parts.steps.size(), steps_max)};
  }
  for (const NormalizerStepRecord& step : parts.steps) {
    if (step.kind > static_cast<uint32_t>(NormalizerKind::precompiled)) {
      return damaged("a step of the normalizer is unknown");
    }
    const uint64_t end = uint64_t{step.text_begin} + step.pattern_bytes + step.content_bytes;
    if (end > parts.step_text.size()) return damaged("a text of the normalizer is out of place");
    if (step.kind == static_cast<uint32_t>(NormalizerKind::replace) && step.pattern_bytes == 0) {
      return damaged("a Replace step has no pattern");
    }
  }
  return {};
}

Status check_options(const FamilyOptions& options) {
  if (options.prepend > static_cast<uint32_t>(PrependScheme::never) ||
      options.pattern > static_cast<uint32_t>(SplitPattern::llama3)) {
    return damaged("its pre-tokenizer is unknown");
  }
  const bool is_scalar = options.replacement <= 0x10FFFF &&
                         (options.replacement < 0xD800 || options.replacement > 0xDFFF);
  return is_scalar ? Status{} : damaged("the replacement of its Metaspace is no character");
}

Status check_unigram(const FamilyParts& parts, uint32_t id_count) {
  if (parts.scores.size() != id_count) return damaged("it has not as many scores as ids");
  const bool finite = std::all_of(parts.scores.begin(), parts.scores.end(),
                                  [](double score) { return std::isfinite(score); });
  return finite ? Status{} : damaged("a score is no number");
}

// A look-up ends at a free entry: there must be one.
Status check_merges(const FamilyParts& parts, uint32_t id_count) {
  if (!std::has_single_bit(parts.merges.size())) return damaged("its merges have a wrong size");
  size_t used = 0;
  for (const MergeRecord& merge : parts.merges) {
    if (merge.left == no_id) continue;
    ++used;
    if (!is_id(merge.left, id_count) || !is_id(merge.right, id_count) ||
        !is_id(merge.merged, id_count)) {
      return damaged("a merge uses an id that has no piece");
    }
  }
  return used < parts.merges.size() ? Status{} : damaged("its merges leave no room");
}

}  // namespace

Status check_family_parts(TokenizerFamily family, const FamilyParts& parts, uint32_t id_count) {
  if (family > TokenizerFamily::byte_level_bpe) return damaged("its family is unknown");
  if (family == TokenizerFamily::word_piece) return {};
  if (parts.byte_ids.size() != byte_values) return damaged("it has not as many ids as bytes");
  const bool bytes_in_range =
      std::all_of(parts.byte_ids.begin(), parts.byte_ids.end(),
                  [&](uint32_t id) { return id == no_id || is_id(id, id_count); });
  if (!bytes_in_range) return damaged("a byte has an id without a piece");
  for (const Status& status :
       {check_steps(parts), check_options(parts.options),
        family == TokenizerFamily::unigram ? check_unigram(parts, id_count)
                                           : check_merges(parts, id_count)}) {
    if (!status) return status;
  }
  return {};
}

PreTokenizerOptions pre_tokenizer_of(const FamilyOptions& options) {
  return {.whitespace_split = options.whitespace_split != 0,
          .metaspace = options.metaspace != 0,
          .replacement = options.replacement,
          .prepend = static_cast<PrependScheme>(options.prepend),
          .split = options.split != 0,
          .pattern = static_cast<SplitPattern>(options.pattern),
          .add_prefix_space = options.add_prefix_space != 0};
}

}  // namespace hilo
