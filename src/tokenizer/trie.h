// A set of byte strings, each with a value: the plain form, made while a vocabulary is compiled.
// FlatTrie is what texts are matched against.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hilo {

class Trie {
 public:
  struct Edge {
    uint8_t label;
    uint32_t node;
  };
  struct Node {
    std::vector<Edge> edges;  // in order of their labels
    std::optional<uint32_t> value;
  };
  static constexpr uint32_t root = 0;

  // The first value of a key stays. Keys are not empty.
  void insert(std::string_view key, uint32_t value);
  const std::vector<Node>& nodes() const { return nodes_; }

 private:
  uint32_t child(uint32_t node, uint8_t label);

  std::vector<Node> nodes_ = std::vector<Node>(1);
};

}  // namespace hilo
