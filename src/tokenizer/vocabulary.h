// A compiled tokenizer: one block of bytes, used in place wherever it lies (in the executable, in a
// mapped file, in memory).
//
//   | header | units of the tries | values of their slots | ends of pieces | text of pieces |
//   | added tokens | single template | pair template | what only some families have | decoder |
//
// Each part begins at a multiple of 64 bytes.
//
// Threads: a Vocabulary never changes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/decoder_steps.h"
#include "tokenizer/description.h"
#include "tokenizer/family_parts.h"
#include "tokenizer/flat_trie.h"

namespace hilo {

inline constexpr size_t blob_alignment = 64;
inline constexpr uint32_t ids_max = 1U << 22;
inline constexpr uint32_t word_characters_limit = 1U << 16;

// What the tries of a vocabulary hold.
enum class TrieRole : uint32_t {
  word_start,        // pieces that begin a word, or all of them where that is no difference;
                     // values are ids
  continuation,      // pieces that go on in it, without their "##"; values are ids
  added_raw,         // added tokens looked for in the text as it is; values are their places
  added_normalized,  // added tokens looked for in the normalized text
};
inline constexpr size_t trie_roles = 4;

// An added token as the blob holds it; its text is that of its id.
struct AddedTokenRecord {
  uint32_t id;
  uint32_t special : 1;
  uint32_t single_word : 1;
  uint32_t lstrip : 1;
  uint32_t rstrip : 1;
  uint32_t normalized : 1;
  uint32_t reserved : 27;
};
static_assert(sizeof(AddedTokenRecord) == 8);

// Owns a blob, aligned as it must be.
class Blob {
 public:
  explicit Blob(size_t bytes) : blocks_((bytes + blob_alignment - 1) / blob_alignment) {}
  static Blob copy_of(std::span<const std::byte> bytes);
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(blocks_)); }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(blocks_)); }

 private:
  struct alignas(blob_alignment) Block {
    std::array<std::byte, blob_alignment> bytes;
  };
  std::vector<Block> blocks_;
};

Result<Blob> compile_vocabulary(const TokenizerDescription& description);

class Vocabulary {
 public:
  // Checks the blob, which may come from anywhere, and borrows it. Afterwards no text can make a
  // look-up leave it.
  static Result<Vocabulary> open(std::span<const std::byte> blob);

  TrieMatch longest_match(TrieRole role, std::string_view text) const {
    return hilo::longest_match(units_.data(), root_bases_[static_cast<size_t>(role)], text);
  }
  // Calls `take` with the bytes and the id of each piece that `text` begins with, shortest first.
  template <class Take>
  void for_each_match(std::string_view text, const Take& take) const {
    uint32_t base = root_bases_[static_cast<size_t>(TrieRole::word_start)];
    for (size_t at = 0; at < text.size(); ++at) {
      const uint32_t label = static_cast<uint8_t>(text[at]);
      const flat_trie::Unit unit = units_[base ^ label];
      if ((unit & flat_trie::label_mask) != label) return;
      if ((unit & flat_trie::has_value) != 0) take(at + 1, value_of(base ^ label));
      base = unit >> flat_trie::base_shift;
    }
  }
  uint32_t value_of(uint32_t slot) const {
    return narrow_values_.empty() ? wide_values_[slot] : narrow_values_[slot];
  }
  bool begins_key(TrieRole role, uint8_t byte) const {
    const uint32_t slot = root_bases_[static_cast<size_t>(role)] ^ byte;
    return (units_[slot] & flat_trie::label_mask) == byte;
  }

  // Zero-terminated in memory; empty for an id without a piece.
  std::string_view piece(uint32_t id) const;
  uint32_t id_count() const { return static_cast<uint32_t>(piece_ends_.size()); }
  TokenizerFamily family() const { return family_; }
  const FamilyParts& family_parts() const { return family_parts_; }
  // no_id where there is none, which only byte-level BPE allows.
  uint32_t unknown_id() const { return unknown_id_; }
  uint32_t word_characters_max() const { return word_characters_max_; }
  NormalizerOptions normalizer_options() const { return normalizer_options_; }
  // In the order they run.
  std::vector<DecoderStep> decoder_steps() const;
  OffsetTrimming offset_trimming() const { return offset_trimming_; }
  std::span<const AddedTokenRecord> added_tokens() const { return added_tokens_; }
  std::span<const TemplateItem> single_template() const { return single_template_; }
  std::span<const TemplateItem> pair_template() const { return pair_template_; }

 private:
  Vocabulary() = default;
  Status check() const;
  Status check_tries() const;
  Status check_pieces() const;
  Status check_decoder() const;
  Status check_template(std::span<const TemplateItem> items, uint32_t second_texts) const;

  std::span<const flat_trie::Unit> units_;
  std::span<const uint16_t> narrow_values_;  // one of the two is empty
  std::span<const uint32_t> wide_values_;
  std::span<const uint32_t> piece_ends_;
  std::span<const char> piece_text_;
  std::span<const AddedTokenRecord> added_tokens_;
  std::span<const TemplateItem> single_template_;
  std::span<const TemplateItem> pair_template_;
  std::array<uint32_t, trie_roles> root_bases_{};
  TokenizerFamily family_ = TokenizerFamily::word_piece;
  FamilyParts family_parts_;
  uint32_t unknown_id_ = 0;
  uint32_t word_characters_max_ = 0;
  NormalizerOptions normalizer_options_;
  OffsetTrimming offset_trimming_;
  std::span<const DecoderStepRecord> decoder_steps_;
  std::span<const char> decoder_text_;
};

}  // namespace hilo
