#include "tokenizer/byte_level_bpe.h"

#include <algorithm>
#include <limits>

#include "tokenizer/byte_alphabet.h"

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

void ByteLevelBpe::append(AlignedView word, BpeScratch& scratch, TokenBuffer& tokens) const {
  if (ignore_merges_) {
    const TrieMatch match = vocabulary_.longest_match(TrieRole::word_start, word.text);
    if (match.bytes == word.text.size()) {
      return tokens.push(vocabulary_.value_of(match.slot), word.source_of(0, match.bytes));
    }
  }
  read_bytes(word.text, scratch);
  // Only symbols know what they cover.
  if (word.sources != nullptr || scratch.ids.size() > short_word_bytes) {
    merge_long(scratch);
    return push_symbols(word, scratch, tokens);
  }
  merge_short(scratch);
  tokens.append(scratch.ids);
}

// A byte without a piece is the unknown token, or nothing where there is none.
void ByteLevelBpe::read_bytes(std::string_view word, BpeScratch& scratch) const {
  const std::span<const uint32_t> byte_ids = vocabulary_.family_parts().byte_ids;
  scratch.ids.clear();
  scratch.letters.clear();
  bool after_unknown = false;
  for (const char character : word) {
    const auto byte = static_cast<uint8_t>(character);
    const uint32_t id = byte_ids[byte] != no_id ? byte_ids[byte] : vocabulary_.unknown_id();
    const bool is_unknown = byte_ids[byte] == no_id;
    if (is_unknown && after_unknown && fuse_unknown_ && !scratch.ids.empty()) {
      scratch.letters.back() += static_cast<uint32_t>(letter_bytes(byte));
    } else if (id != no_id) {
      scratch.ids.push_back(id);
      scratch.letters.push_back(static_cast<uint32_t>(letter_bytes(byte)));
    }
    after_unknown = is_unknown;
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
  };
  const auto offer_to_heap = [&](uint32_t place) {
    const size_t before = heap.size();
    offer(place);
    if (heap.size() > before) std::push_heap(heap.begin(), heap.end(), is_later);
  };
  for (uint32_t place = 0; place < count; ++place) offer(place);
  std::make_heap(heap.begin(), heap.end(), is_later);

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
    offer_to_heap(left.previous);
    offer_to_heap(top.place);
  }
}

// The reference counts places in the letters of its alphabet, from the sizes of the tokens: behind
// a byte that is nothing they are too early.
void ByteLevelBpe::push_symbols(AlignedView word, BpeScratch& scratch, TokenBuffer& tokens) {
  scratch.sources.clear();
  for (size_t at = 0; word.sources != nullptr && at < word.text.size(); ++at) {
    scratch.sources.insert(scratch.sources.end(), letter_bytes(static_cast<uint8_t>(word.text[at])),
                           word.sources[at]);
  }
  const AlignedView letters{{}, word.sources == nullptr ? nullptr : scratch.sources.data()};
  size_t begin = 0;
  for (size_t place = 0; place < scratch.symbols.size();) {
    const uint32_t next = scratch.symbols[place].next;
    const size_t end = next == nowhere ? scratch.symbols.size() : next;
    size_t bytes = 0;
    const uint32_t id = scratch.symbols[place].id;
    for (; place < end; ++place) bytes += scratch.letters[place];
    tokens.push(id, letters.source_of(begin, bytes));
    begin += bytes;
  }
}

}  // namespace hilo
