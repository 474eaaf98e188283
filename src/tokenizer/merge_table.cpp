#include "tokenizer/merge_table.h"

#include <algorithm>
#include <bit>

namespace hilo {

MergeTable::MergeTable(std::span<const MergeRecord> entries)
    : entries_(entries),
      // Half of the entries or more are free.
      filter_(std::max<size_t>(entries.size() * 4 / 64, 1)),
      filter_mask_(filter_.size() * 64 - 1) {
  for (const MergeRecord& entry : entries) {
    if (entry.left == no_id) continue;
    const uint64_t bit = hash_of(entry.left, entry.right) >> 32 & filter_mask_;
    filter_[bit / 64] |= uint64_t{1} << bit % 64;
  }
}

std::vector<MergeRecord> make_merge_table(std::span<const MergeRecord> merges) {
  std::vector<MergeRecord> entries(std::bit_ceil(2 * merges.size() + 1), {no_id, no_id, 0, no_id});
  const size_t mask = entries.size() - 1;
  for (const MergeRecord& merge : merges) {
    size_t place = MergeTable::hash_of(merge.left, merge.right) & mask;
    while (entries[place].left != no_id &&
           (entries[place].left != merge.left || entries[place].right != merge.right)) {
      place = (place + 1) & mask;
    }
    entries[place] = merge;
  }
  return entries;
}

}  // namespace hilo
