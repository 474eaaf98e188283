#include "tokenizer/flat_trie.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "base/ensure.h"

namespace hilo {

namespace {

using namespace flat_trie;

// Some of the slots of a block.
class SlotSet {
 public:
  bool empty() const { return (words_[0] | words_[1] | words_[2] | words_[3]) == 0; }
  // The set is not empty.
  uint32_t first() const {
    uint32_t word = 0;
    while (words_[word] == 0) ++word;
    return word * 64 + static_cast<uint32_t>(std::countr_zero(words_[word]));
  }
  bool contains(uint32_t slot) const { return (words_[slot / 64] >> slot % 64 & 1) != 0; }
  void remove(uint32_t slot) { words_[slot / 64] &= ~(uint64_t{1} << slot % 64); }
  void keep(const SlotSet& others) {
    for (size_t word = 0; word < words_.size(); ++word) words_[word] &= others.words_[word];
  }

  // The slots from which XOR with `label` leads into this set. The label's upper two bits exchange
  // words; each of the lower six exchanges neighbouring groups of bits in every word.
  SlotSet moved_by(uint32_t label) const {
    constexpr std::array<uint64_t, 6> lower_halves = {0x5555555555555555, 0x3333333333333333,
                                                      0x0F0F0F0F0F0F0F0F, 0x00FF00FF00FF00FF,
                                                      0x0000FFFF0000FFFF, 0x00000000FFFFFFFF};
    SlotSet moved;
    for (uint32_t word = 0; word < words_.size(); ++word) {
      uint64_t bits = words_[word ^ label / 64];
      for (uint32_t bit = 0; bit < lower_halves.size(); ++bit) {
        if ((label >> bit & 1) == 0) continue;
        const uint32_t by = 1U << bit;
        bits = (bits >> by & lower_halves[bit]) | (bits & lower_halves[bit]) << by;
      }
      moved.words_[word] = bits;
    }
    return moved;
  }

 private:
  std::array<uint64_t, block_slots / 64> words_ = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0},
                                                   ~uint64_t{0}};
};

// Finds a base for each node. Nodes come in order of falling edge count, so that the many with one
// edge fill the holes that the others left: bert-base-uncased uses 99 % of its slots.
class SlotAllocator {
 public:
  // A base whose slots for all `edges` were free; they are taken now.
  uint32_t take(std::span<const Trie::Edge> edges) {
    if (edges.size() != edge_count_) reopen_blocks(edges.size());
    for (size_t at = 0; at < open_.size(); ++at) {
      Block& block = blocks_[open_[at]];
      if (const std::optional<uint32_t> base = free_base(block, edges)) {
        occupy(block, *base, edges);
        return open_[at] * block_slots + *base;
      }
      if (block.slots_free.empty() || ++block.failures == failures_max) {
        open_.erase(open_.begin() + static_cast<ptrdiff_t>(at));
        --at;
      }
    }
    add_block();
    return take(edges);
  }

  uint32_t slot_count() const { return static_cast<uint32_t>(blocks_.size()) * block_slots; }

 private:
  struct Block {
    SlotSet slots_free;
    SlotSet bases_free;
    uint32_t failures = 0;
  };
  // A block in which this many nodes found no place is not tried again before the edge count falls.
  static constexpr uint32_t failures_max = 16;

  void reopen_blocks(size_t edge_count) {
    edge_count_ = edge_count;
    open_.clear();
    for (uint32_t index = 0; index < blocks_.size(); ++index) {
      blocks_[index].failures = 0;
      if (!blocks_[index].slots_free.empty()) open_.push_back(index);
    }
  }

  void add_block() {
    open_.push_back(static_cast<uint32_t>(blocks_.size()));
    blocks_.emplace_back();
    blocks_.front().bases_free.remove(0);  // the base of nodes without children
  }

  // A free base whose slots for all edges are free. For one edge those are the free slots with
  // `label` taken out by XOR; all 256 bases are looked at together.
  static std::optional<uint32_t> free_base(const Block& block, std::span<const Trie::Edge> edges) {
    if (block.slots_free.empty()) return std::nullopt;
    // Most nodes have one edge, and the first slot will do.
    if (edges.size() == 1) {
      const uint32_t base = block.slots_free.first() ^ edges[0].label;
      if (block.bases_free.contains(base)) return base;
    }
    SlotSet fitting = block.bases_free;
    for (const Trie::Edge& edge : edges) {
      fitting.keep(block.slots_free.moved_by(edge.label));
      if (fitting.empty()) return std::nullopt;
    }
    return fitting.first();
  }

  static void occupy(Block& block, uint32_t base, std::span<const Trie::Edge> edges) {
    block.bases_free.remove(base);
    for (const Trie::Edge& edge : edges) block.slots_free.remove(base ^ edge.label);
  }

  std::vector<Block> blocks_;
  std::vector<uint32_t> open_;
  size_t edge_count_ = 0;
};

struct NodeReference {
  uint32_t trie;
  uint32_t node;
};

// In order of falling edge count, sorted by counting.
std::vector<NodeReference> nodes_with_edges(std::span<const Trie> tries) {
  std::array<size_t, block_slots + 1> places{};  // of each edge count: where its nodes begin
  const auto for_each_node = [tries](const auto& take) {
    for (uint32_t trie = 0; trie < tries.size(); ++trie) {
      const auto node_count = static_cast<uint32_t>(tries[trie].node_count());
      for (uint32_t node = 0; node < node_count; ++node) {
        const uint32_t edges = tries[trie].edge_count(node);
        if (edges > 0) take(edges, NodeReference{trie, node});
      }
    }
  };
  size_t total = 0;
  for_each_node([&](uint32_t edges, NodeReference) {
    ++places[edges];
    ++total;
  });
  size_t begin = 0;
  for (size_t edges = block_slots; edges > 0; --edges) {
    begin += std::exchange(places[edges], begin);
  }
  std::vector<NodeReference> references(total);
  for_each_node(
      [&](uint32_t edges, NodeReference reference) { references[places[edges]++] = reference; });
  return references;
}

}  // namespace

Result<FlatTries> flatten(std::span<const Trie> tries) {
  // Of each node of each trie. Memory is slow in their order, so it is gone through once.
  struct Place {
    uint32_t base = 0;  // 0: no children
    uint32_t slot = 0;
  };
  std::vector<std::vector<Place>> places;
  for (const Trie& trie : tries) places.emplace_back(trie.node_count());
  SlotAllocator slots;
  std::vector<Trie::Edge> edges;
  for (const auto [trie, node] : nodes_with_edges(tries)) {
    const uint32_t base = slots.take(tries[trie].edges_of(node, edges));
    places[trie][node].base = base;
    for (const Trie::Edge& edge : edges) places[trie][edge.node].slot = base ^ edge.label;
  }
  if (slots.slot_count() > slots_max) {
    return Error{"the vocabulary is too large for the trie: use one with fewer or shorter pieces"};
  }

  FlatTries flat;
  // A trie may be empty, and its root then has base 0: one empty block must exist for it.
  flat.units.assign(std::max(slots.slot_count(), block_slots), label_empty);
  flat.values.resize(flat.units.size());
  for (size_t trie = 0; trie < tries.size(); ++trie) {
    flat.root_bases.push_back(places[trie][Trie::root].base);
    for (uint32_t node = Trie::root + 1; node < tries[trie].node_count(); ++node) {
      const auto [base, slot] = places[trie][node];
      const std::optional<uint32_t> value = tries[trie].value_of(node);
      flat.units[slot] = base << base_shift | (value ? has_value : 0) | tries[trie].label_of(node);
      flat.values[slot] = value.value_or(0);
    }
  }
  return flat;
}

}  // namespace hilo
