#include "tokenizer/byte_level_bpe.h"

#include <algorithm>
#include <limits>

#include "tokenizer/byte_alphabet.h"

namespace hilo {

namespace {

// Up to so many, looking at all pairs again and again is faster than keeping them in order.
constexpr size_t short_word_symbols = 200;
constexpr uint32_t nowhere = std::numeric_limits<uint32_t>::max();
constexpr int32_t no_rank = std::numeric_limits<int32_t>::max();

// A heap's top is its greatest: the lowest rank, then the first place.
constexpr auto is_later = [](const BpeScratch::Candidate& a, const BpeScratch::Candidate& b) {
  return a.order > b.order;
};

// The symbol at a place and the next become one, `id`. Returns the place of what is gone.
uint32_t join(std::vector<BpeScratch::Symbol>& symbols, uint32_t place, uint32_t id) {
  BpeScratch::Symbol& left = symbols[place];
  const uint32_t gone = left.next;
  left.id = id;
  left.next = symbols[gone].next;
  symbols[gone].id = no_id;
  if (left.next != nowhere) symbols[left.next].previous = place;
  return gone;
}

}  // namespace

ByteLevelBpe::ByteLevelBpe(const Vocabulary& vocabulary)
    : vocabulary_(vocabulary),
      merges_(vocabulary.family_parts().merges),
      characters_(vocabulary, merges_),
      fuse_unknown_(vocabulary.family_parts().options.fuse_unknown != 0),
      ignore_merges_(vocabulary.family_parts().options.ignore_merges != 0) {}

void ByteLevelBpe::append(AlignedView word, BpeScratch& scratch, TokenBuffer& tokens) const {
  if (ignore_merges_) {
    const TrieMatch match = vocabulary_.longest_match(TrieRole::word_start, word.text);
    if (match.bytes == word.text.size()) {
      return tokens.push(vocabulary_.value_of(match.slot), word.source_of(0, match.bytes));
    }
  }
  read_word(word.text, scratch);
  if (scratch.symbols.size() <= short_word_symbols) {
    merge_short(scratch);
  } else {
    merge_long(scratch);
  }
  push_symbols(word, scratch, tokens);
}

// A byte without a piece is the unknown token, or nothing where there is none.
void ByteLevelBpe::read_word(std::string_view word, BpeScratch& scratch) const {
  const std::span<const uint32_t> byte_ids = vocabulary_.family_parts().byte_ids;
  std::vector<BpeScratch::Symbol>& symbols = scratch.symbols;
  symbols.clear();
  symbols.reserve(word.size());
  const auto push = [&symbols](uint32_t id, uint32_t letters) {
    const auto place = static_cast<uint32_t>(symbols.size());
    symbols.push_back({id, place == 0 ? nowhere : place - 1, place + 1, letters});
  };
  bool after_unknown = false;
  const auto push_byte = [&](uint8_t byte) {
    const auto letters = static_cast<uint32_t>(letter_bytes(byte));
    const bool is_unknown = byte_ids[byte] == no_id;
    const uint32_t id = is_unknown ? vocabulary_.unknown_id() : byte_ids[byte];
    if (is_unknown && after_unknown && fuse_unknown_ && !symbols.empty()) {
      symbols.back().letters += letters;
    } else if (id != no_id) {
      push(id, letters);
    }
    after_unknown = is_unknown;
  };
  for (size_t at = 0; at < word.size();) {
    if (static_cast<uint8_t>(word[at]) < 0x80) {
      push_byte(static_cast<uint8_t>(word[at++]));
      continue;
    }
    const DecodedCharacter character = decode_first(word.substr(at));
    const uint32_t token = character.valid ? characters_.token_at(word, at, character) : no_id;
    if (token != no_id) {
      push(token, 2 * character.bytes);  // No byte of such a character stands for itself in ASCII.
    } else {
      for (const char byte : word.substr(at, character.bytes)) {
        push_byte(static_cast<uint8_t>(byte));
      }
    }
    at += character.bytes;
  }
  if (!symbols.empty()) symbols.back().next = nowhere;
}

void ByteLevelBpe::merge_short(BpeScratch& scratch) const {
  std::vector<BpeScratch::Symbol>& symbols = scratch.symbols;
  std::vector<int32_t>& ranks = scratch.ranks;
  scratch.merged.resize(symbols.size());
  ranks.assign(symbols.size(), no_rank);
  const auto rate = [&](uint32_t place) {
    const uint32_t next = symbols[place].next;
    const MergeRecord* merge =
        next == nowhere ? nullptr : merges_.find(symbols[place].id, symbols[next].id);
    ranks[place] = merge == nullptr ? no_rank : static_cast<int32_t>(merge->rank);
    if (merge != nullptr) scratch.merged[place] = merge->merged;
  };
  for (uint32_t place = 0; place < symbols.size(); ++place) rate(place);
  while (true) {
    // Not the place at once: this way it is a loop without branches.
    int32_t least = no_rank;
    for (const int32_t rank : ranks) least = std::min(least, rank);
    if (least == no_rank) return;
    const auto found = std::find(ranks.begin(), ranks.end(), least);
    const auto place = static_cast<uint32_t>(found - ranks.begin());
    ranks[join(symbols, place, scratch.merged[place])] = no_rank;
    rate(place);
    if (symbols[place].previous != nowhere) rate(symbols[place].previous);
  }
}

// The time of a long word grows a little faster than its length, not with its square.
void ByteLevelBpe::merge_long(BpeScratch& scratch) const {
  std::vector<BpeScratch::Symbol>& symbols = scratch.symbols;
  std::vector<BpeScratch::Candidate>& heap = scratch.heap;
  heap.clear();
  // Whether the pair that begins at a place is a candidate.
  const auto offer = [&](uint32_t place) {
    if (place == nowhere || symbols[place].next == nowhere) return false;
    const uint32_t left = symbols[place].id;
    const uint32_t right = symbols[symbols[place].next].id;
    const MergeRecord* merge = merges_.find(left, right);
    if (merge == nullptr) return false;
    heap.push_back({uint64_t{merge->rank} << 32 | place, left, right, merge->merged});
    return true;
  };
  for (uint32_t place = 0; place < symbols.size(); ++place) offer(place);
  std::make_heap(heap.begin(), heap.end(), is_later);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), is_later);
    const BpeScratch::Candidate top = heap.back();
    heap.pop_back();
    const BpeScratch::Symbol& left = symbols[top.place()];
    if (left.id == no_id || left.next == nowhere) continue;
    const uint32_t right = symbols[left.next].id;
    // What stands here now may be another pair than when the candidate came. If that becomes the
    // same, it does so now, as in the reference.
    if (left.id != top.left || right != top.right) {
      const MergeRecord* merge = merges_.find(left.id, right);
      if (merge == nullptr || merge->merged != top.merged) continue;
    }
    join(symbols, top.place(), top.merged);
    for (const uint32_t place : {left.previous, top.place()}) {
      if (offer(place)) std::push_heap(heap.begin(), heap.end(), is_later);
    }
  }
}

// The reference counts places in the letters of its alphabet, from the sizes of the tokens: behind
// a byte that is nothing they are too early.
void ByteLevelBpe::push_symbols(AlignedView word, BpeScratch& scratch, TokenBuffer& tokens) {
  const std::vector<BpeScratch::Symbol>& symbols = scratch.symbols;
  if (word.sources == nullptr) {
    for (size_t place = 0; place < symbols.size(); place = symbols[place].next) {
      tokens.push(symbols[place].id, TokenOffsets{});
    }
    return;
  }
  scratch.sources.clear();
  for (size_t at = 0; at < word.text.size(); ++at) {
    const size_t letters = letter_bytes(static_cast<uint8_t>(word.text[at]));
    scratch.sources.insert(scratch.sources.end(), letters, word.sources[at]);
  }
  const AlignedView letters{{}, scratch.sources.data()};
  size_t begin = 0;
  for (size_t place = 0; place < symbols.size();) {
    const uint32_t id = symbols[place].id;
    const size_t end = std::min<size_t>(symbols[place].next, symbols.size());
    size_t bytes = 0;
    for (; place < end; ++place) bytes += symbols[place].letters;
    tokens.push(id, letters.source_of(begin, bytes));
    begin += bytes;
  }
}

}  // namespace hilo
