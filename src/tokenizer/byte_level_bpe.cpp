#include "tokenizer/byte_level_bpe.h"

#include <algorithm>
#include <limits>

namespace hilo {

namespace {

// Up to so many bytes, looking at all pairs again and again is faster than keeping them in order.
constexpr size_t short_word_bytes = 48;
constexpr uint32_t nowhere = std::numeric_limits<uint32_t>::max();

// A heap's top is its greatest: the lowest rank, then the first place.
bool is_later(const BpeScratch::Candidate& a, const BpeScratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.place > b.place;
}

}  // namespace

ByteLevelBpe::ByteLevelBpe(const Vocabulary& vocabulary)
    : vocabulary_(vocabulary),
      merges_(vocabulary.family_parts().merges),
      fuse_unknown_(vocabulary.family_parts().options.fuse_unknown != 0),
      ignore_merges_(vocabulary.family_parts().options.ignore_merges != 0) {}

void ByteLevelBpe::append(std::string_view word, BpeScratch& scratch, TokenBuffer& tokens) const {
  if (ignore_merges_) {
    const TrieMatch match = vocabulary_.longest_match(TrieRole::word_start, word);
    if (match.bytes == word.size()) return tokens.push(vocabulary_.value_of(match.slot));
  }
  read_bytes(word, scratch.ids);
  if (scratch.ids.size() <= short_word_bytes) {
    merge_short(scratch);
  } else {
    merge_long(scratch);
  }
  std::copy(scratch.ids.begin(), scratch.ids.end(), tokens.room_for(scratch.ids.size()));
  tokens.advance(scratch.ids.size());
}

// A byte without a piece is the unknown token, or nothing where there is none.
void ByteLevelBpe::read_bytes(std::string_view word, std::vector<uint32_t>& ids) const {
  const std::span<const uint32_t> byte_ids = vocabulary_.family_parts().byte_ids;
  ids.clear();
  bool after_unknown = false;
  for (const char byte : word) {
    const uint32_t id = byte_ids[static_cast<uint8_t>(byte)];
    if (id != no_id) {
      ids.push_back(id);
    } else if (vocabulary_.unknown_id() != no_id && !(after_unknown && fuse_unknown_)) {
      ids.push_back(vocabulary_.unknown_id());
    }
    after_unknown = id == no_id;
  }
}

void ByteLevelBpe::merge_short(BpeScratch& scratch) const {
  std::vector<uint32_t>& ids = scratch.ids;
  std::vector<const MergeRecord*>& merges = scratch.merges;
  size_t pairs = ids.empty() ? 0 : ids.size() - 1;
  merges.resize(pairs);
  for (size_t at = 0; at < pairs; ++at) merges[at] = merges_.find(ids[at], ids[at + 1]);
  while (pairs > 0) {
    size_t best = pairs;
    uint32_t best_rank = 0;
    for (size_t at = 0; at < pairs; ++at) {
      if (merges[at] == nullptr || (best != pairs && merges[at]->rank >= best_rank)) continue;
      best = at;
      best_rank = merges[at]->rank;
    }
    if (best == pairs) break;
    ids[best] = merges[best]->merged;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(best) + 1);
    merges.erase(merges.begin() + static_cast<ptrdiff_t>(best));
    --pairs;
    if (best > 0) merges[best - 1] = merges_.find(ids[best - 1], ids[best]);
    if (best < pairs) merges[best] = merges_.find(ids[best], ids[best + 1]);
  }
}

// The time of a long word grows a little faster than its length, not with its square.
void ByteLevelBpe::merge_long(BpeScratch& scratch) const {
  std::vector<BpeScratch::Symbol>& symbols = scratch.symbols;
  std::vector<BpeScratch::Candidate>& heap = scratch.heap;
  const auto count = static_cast<uint32_t>(scratch.ids.size());
  symbols.resize(count);
  heap.clear();
  for (uint32_t place = 0; place < count; ++place) {
    symbols[place] = {scratch.ids[place], place == 0 ? nowhere : place - 1,
                      place + 1 == count ? nowhere : place + 1};
  }
  const auto offer = [&](uint32_t place) {
    if (place == nowhere || symbols[place].next == nowhere) return;
    const MergeRecord* merge = merges_.find(symbols[place].id, symbols[symbols[place].next].id);
    if (merge == nullptr) return;
    heap.push_back({merge->rank, place, merge->merged});
    std::push_heap(heap.begin(), heap.end(), is_later);
  };
  for (uint32_t place = 0; place < count; ++place) offer(place);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), is_later);
    const BpeScratch::Candidate top = heap.back();
    heap.pop_back();
    BpeScratch::Symbol& left = symbols[top.place];
    if (left.id == no_id || left.next == nowhere) continue;
    BpeScratch::Symbol& right = symbols[left.next];
    // What stands here now may be another pair than when the candidate came.
    const MergeRecord* merge = merges_.find(left.id, right.id);
    if (merge == nullptr || merge->merged != top.merged) continue;
    left.id = top.merged;
    left.next = right.next;
    right.id = no_id;  // gone
    if (left.next != nowhere) symbols[left.next].previous = top.place;
    offer(left.previous);
    offer(top.place);
  }

  scratch.ids.clear();
  for (const BpeScratch::Symbol& symbol : symbols) {
    if (symbol.id != no_id) scratch.ids.push_back(symbol.id);
  }
}

}  // namespace hilo
