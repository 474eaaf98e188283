// A set of byte strings, each with a value: the plain form, made while a vocabulary is compiled.
// FlatTrie is what texts are matched against.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace hilo {

class Trie {
 public:
  struct Edge {
    uint8_t label;
    uint32_t node;
  };
  static constexpr uint32_t root = 0;

  // The first value of a key stays. Keys are not empty. Those in order take the least time.
  void insert(std::string_view key, uint32_t value);
  size_t node_count() const { return nodes_.size(); }
  std::optional<uint32_t> value_of(uint32_t node) const {
    return nodes_[node].has_value ? std::optional(nodes_[node].value) : std::nullopt;
  }
  // Of the edge that leads to a node that is not the root.
  uint8_t label_of(uint32_t node) const { return nodes_[node].label; }
  uint32_t edge_count(uint32_t node) const { return nodes_[node].edge_count; }
  // In order of their labels; `edges` is working space.
  std::span<const Edge> edges_of(uint32_t node, std::vector<Edge>& edges) const {
    edges.clear();
    for (uint32_t child = nodes_[node].first_child; child != root;
         child = nodes_[child].next_sibling) {
      edges.push_back({nodes_[child].label, child});
    }
    return edges;
  }

 private:
  // Children are a chain in order of their labels: 250,000 pieces have a million nodes, of which
  // most have one child. The root is nobody's child, so its number ends a chain.
  struct Node {
    uint32_t first_child = root;
    uint32_t last_child = root;
    uint32_t next_sibling = root;
    uint32_t value = 0;
    uint16_t edge_count = 0;
    uint8_t label = 0;
    bool has_value = false;
  };
  uint32_t child(uint32_t node, uint8_t label);

  std::vector<Node> nodes_ = std::vector<Node>(1);
};

}  // namespace hilo
