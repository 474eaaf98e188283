// The merges of a byte-level BPE as they lie in a blob: an open hash table of a power of two of
// entries, at least half of them free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tokenizer/family_parts.h"

namespace hilo {

class MergeTable {
 public:
  explicit MergeTable(std::span<const MergeRecord> entries);

  // Null where the two do not merge.
  const MergeRecord* find(uint32_t left, uint32_t right) const {
    const uint64_t hash = hash_of(left, right);
    if ((filter_[(hash >> 32 & filter_mask_) / 64] >> (hash >> 32 & 63) & 1) == 0) return nullptr;
    const size_t mask = entries_.size() - 1;
    for (size_t place = hash;; ++place) {
      const MergeRecord& entry = entries_[place & mask];
      if (entry.left == left && entry.right == right) return &entry;
      if (entry.left == no_id) return nullptr;
    }
  }

 private:
  friend std::vector<MergeRecord> make_merge_table(std::span<const MergeRecord> merges);

  static uint64_t hash_of(uint32_t left, uint32_t right) {
    constexpr uint64_t odd = 0x9E3779B97F4A7C15;
    const uint64_t product = (uint64_t{left} << 32 | right) * odd;
    return product ^ product >> 29;
  }

  std::span<const MergeRecord> entries_;
  // A bit for each merge, somewhere among eight times as many: most pairs do not merge, and the
  // table is too large to be near.
  std::vector<uint64_t> filter_;
  uint64_t filter_mask_;
};

// Of two merges of the same pair the later counts, as in the reference.
std::vector<MergeRecord> make_merge_table(std::span<const MergeRecord> merges);

}  // namespace hilo
