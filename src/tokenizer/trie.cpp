#include "tokenizer/trie.h"

#include <algorithm>

#include "base/ensure.h"

namespace hilo {

void Trie::insert(std::string_view key, uint32_t value) {
  ENSURE(!key.empty());
  uint32_t node = root;
  for (const char byte : key) node = child(node, static_cast<uint8_t>(byte));
  if (!nodes_[node].value) nodes_[node].value = value;
}

uint32_t Trie::child(uint32_t node, uint8_t label) {
  std::vector<Edge>& edges = nodes_[node].edges;
  const auto place = std::lower_bound(edges.begin(), edges.end(), label,
                                      [](const Edge& edge, uint8_t l) { return edge.label < l; });
  if (place != edges.end() && place->label == label) return place->node;
  const auto added = static_cast<uint32_t>(nodes_.size());
  edges.insert(place, {label, added});
  nodes_.emplace_back();  // Last, because it moves `edges`.
  return added;
}

}  // namespace hilo
