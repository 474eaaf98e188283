#include "tokenizer/merge_table.h"

#include <bit>

namespace hilo {

std::vector<MergeRecord> make_merge_table(std::span<const MergeRecord> merges) {
  std::vector<MergeRecord> entries(std::bit_ceil(2 * merges.size() + 1), {no_id, no_id, 0, no_id});
  const size_t mask = entries.size() - 1;
  for (const MergeRecord& merge : merges) {
    size_t place = MergeTable::hash(merge.left, merge.right) & mask;
    while (entries[place].left != no_id &&
           (entries[place].left != merge.left || entries[place].right != merge.right)) {
      place = (place + 1) & mask;
    }
    entries[place] = merge;
  }
  return entries;
}

}  // namespace hilo
