#include "tokenizer/flat_trie.h"

#include <algorithm>
#include <bitset>
#include <numeric>
#include <optional>

#include "base/ensure.h"

namespace hilo {

namespace {

using namespace flat_trie;

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
      if (++block.failures == failures_max) {
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
    std::bitset<block_slots> slots_taken;
    std::bitset<block_slots> bases_taken;
    uint32_t failures = 0;
  };
  // A block in which this many nodes found no place is not tried again before the edge count falls.
  static constexpr uint32_t failures_max = 64;

  void reopen_blocks(size_t edge_count) {
    edge_count_ = edge_count;
    open_.clear();
    for (uint32_t index = 0; index < blocks_.size(); ++index) {
      blocks_[index].failures = 0;
      if (!blocks_[index].slots_taken.all()) open_.push_back(index);
    }
  }

  void add_block() {
    open_.push_back(static_cast<uint32_t>(blocks_.size()));
    blocks_.emplace_back();
    blocks_.front().bases_taken.set(0);  // the base of nodes without children
  }

  static std::optional<uint32_t> free_base(const Block& block, std::span<const Trie::Edge> edges) {
    for (uint32_t base = 0; base < block_slots; ++base) {
      if (block.bases_taken[base]) continue;
      const bool fits = std::none_of(edges.begin(), edges.end(), [&](const Trie::Edge& edge) {
        return block.slots_taken[base ^ edge.label];
      });
      if (fits) return base;
    }
    return std::nullopt;
  }

  static void occupy(Block& block, uint32_t base, std::span<const Trie::Edge> edges) {
    block.bases_taken.set(base);
    for (const Trie::Edge& edge : edges) block.slots_taken.set(base ^ edge.label);
  }

  std::vector<Block> blocks_;
  std::vector<uint32_t> open_;
  size_t edge_count_ = 0;
};

struct NodeReference {
  uint32_t trie;
  uint32_t node;
};

std::vector<NodeReference> nodes_with_edges(std::span<const Trie> tries) {
  std::vector<NodeReference> references;
  for (uint32_t trie = 0; trie < tries.size(); ++trie) {
    const auto node_count = static_cast<uint32_t>(tries[trie].nodes().size());
    for (uint32_t node = 0; node < node_count; ++node) {
      if (!tries[trie].nodes()[node].edges.empty()) references.push_back({trie, node});
    }
  }
  const auto edge_count = [tries](NodeReference reference) {
    return tries[reference.trie].nodes()[reference.node].edges.size();
  };
  std::stable_sort(references.begin(), references.end(),
                   [&](NodeReference a, NodeReference b) { return edge_count(a) > edge_count(b); });
  return references;
}

}  // namespace

Result<FlatTries> flatten(std::span<const Trie> tries) {
  std::vector<std::vector<uint32_t>> bases;  // of each node of each trie; 0: no children
  for (const Trie& trie : tries) bases.emplace_back(trie.nodes().size());
  SlotAllocator slots;
  const std::vector<NodeReference> references = nodes_with_edges(tries);
  for (const auto [trie, node] : references) {
    bases[trie][node] = slots.take(tries[trie].nodes()[node].edges);
  }
  if (slots.slot_count() > slots_max) {
    return Error{"the vocabulary is too large for the trie: use one with fewer or shorter pieces"};
  }

  FlatTries flat;
  // A trie may be empty, and its root then has base 0: one empty block must exist for it.
  flat.units.assign(std::max(slots.slot_count(), block_slots), label_empty);
  flat.values.resize(flat.units.size());
  for (const auto [trie, node] : references) {
    for (const Trie::Edge& edge : tries[trie].nodes()[node].edges) {
      const uint32_t slot = bases[trie][node] ^ edge.label;
      const std::optional<uint32_t> value = tries[trie].nodes()[edge.node].value;
      flat.units[slot] =
          bases[trie][edge.node] << base_shift | (value ? has_value : 0) | edge.label;
      flat.values[slot] = value.value_or(0);
    }
  }
  for (const std::vector<uint32_t>& trie_bases : bases) {
    flat.root_bases.push_back(trie_bases[Trie::root]);
  }
  return flat;
}

}  // namespace hilo
