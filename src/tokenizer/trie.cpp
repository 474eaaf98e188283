#include "tokenizer/trie.h"

#include "base/ensure.h"

namespace hilo {

void Trie::insert(std::string_view key, uint32_t value) {
  ENSURE(!key.empty());
  uint32_t node = root;
  for (const char byte : key) node = child(node, static_cast<uint8_t>(byte));
  if (nodes_[node].has_value) return;
  nodes_[node].value = value;
  nodes_[node].has_value = true;
}

uint32_t Trie::child(uint32_t node, uint8_t label) {
  uint32_t before = nodes_[node].last_child;  // root: none
  uint32_t child = root;
  if (before != root && nodes_[before].label >= label) {
    if (nodes_[before].label == label) return before;
    before = root;
    child = nodes_[node].first_child;
  }
  while (child != root && nodes_[child].label < label) {
    before = child;
    child = nodes_[child].next_sibling;
  }
  if (child != root && nodes_[child].label == label) return child;
  const auto added = static_cast<uint32_t>(nodes_.size());
  (before == root ? nodes_[node].first_child : nodes_[before].next_sibling) = added;
  if (child == root) nodes_[node].last_child = added;
  ++nodes_[node].edge_count;
  Node made;
  made.next_sibling = child;
  made.label = label;
  nodes_.push_back(made);
  return added;
}

}  // namespace hilo
