// What a blob holds for Unigram and byte-level BPE beside the pieces that all families have.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "tokenizer/pipeline.h"

namespace hilo {

enum class TokenizerFamily : uint32_t { word_piece, unigram, byte_level_bpe };

inline constexpr uint32_t no_id = 0xFFFFFFFF;

// A step of the normalizer; its texts lie in FamilyParts::step_text, the pattern first.
struct NormalizerStepRecord {
  uint32_t kind;
  uint32_t strip;  // 1: left, 2: right
  uint32_t run_min;
  uint32_t text_begin;
  uint32_t pattern_bytes;
  uint32_t content_bytes;
};
static_assert(sizeof(NormalizerStepRecord) == 24);

// Two neighbours that become one, of all that could the pair of the lowest rank first. In a blob:
// an entry of an open hash table, see merge_table.h.
struct MergeRecord {
  uint32_t left;  // no_id: the entry is free
  uint32_t right;
  uint32_t rank;
  uint32_t merged;
};
static_assert(sizeof(MergeRecord) == 16);

// The pre-tokenizer and the flags of the model, as the blob's header has them.
struct FamilyOptions {
  uint32_t whitespace_split;
  uint32_t metaspace;
  uint32_t replacement;
  uint32_t prepend;
  uint32_t split;
  uint32_t pattern;
  uint32_t add_prefix_space;
  uint32_t byte_fallback;
  uint32_t fuse_unknown;
  uint32_t ignore_merges;
};
static_assert(sizeof(FamilyOptions) == 40);

struct FamilyParts {
  FamilyOptions options{};
  std::span<const double> scores;      // Unigram: of each id
  std::span<const uint32_t> byte_ids;  // the id that stands for a byte, or no_id
  std::span<const MergeRecord> merges;
  std::span<const NormalizerStepRecord> steps;
  std::span<const char> step_text;
  std::span<const std::byte> charsmap;  // of Precompiled, as in tokenizer.json but not in base64
};

// Nothing in the parts leads out of them or to an id that does not exist.
Status check_family_parts(TokenizerFamily family, const FamilyParts& parts, uint32_t id_count);

PreTokenizerOptions pre_tokenizer_of(const FamilyOptions& options);

}  // namespace hilo
