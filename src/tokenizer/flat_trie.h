// Tries in one array without pointers: an XOR double array.
//
//   unit of a node's slot   | base 22 bits | has value 1 bit | label 9 bits |
//
// The child of a node for byte `b` lives in slot base ^ b, if the unit there carries the label `b`;
// otherwise there is none. Each base belongs to one node, so the label alone proves parenthood. A
// slot that is empty carries a label that no byte has, and a node without children has base 0,
// which no other node gets. Values lie in a second array, by slot, read once a match.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/trie.h"

namespace hilo {

namespace flat_trie {

using Unit = uint32_t;
inline constexpr uint32_t label_mask = 0x1FF;
inline constexpr uint32_t label_empty = 0x100;
inline constexpr uint32_t has_value = 0x200;
inline constexpr uint32_t base_shift = 10;
inline constexpr uint32_t block_slots = 256;  // base ^ byte stays within the block of base
inline constexpr uint32_t slots_max = 1U << (32 - base_shift);

}  // namespace flat_trie

// Several tries in the same array, told apart by the base of their roots.
struct FlatTries {
  std::vector<flat_trie::Unit> units;
  std::vector<uint32_t> values;      // one for each unit
  std::vector<uint32_t> root_bases;  // one for each trie
};
Result<FlatTries> flatten(std::span<const Trie> tries);

struct TrieMatch {
  uint32_t slot = 0;
  size_t bytes = 0;  // 0: no key begins the text
};

// The longest key that `text` begins with. Whoever made `units` has checked that it consists of
// whole blocks and that all bases are within it; the walk then stays within it, too.
inline TrieMatch longest_match(const flat_trie::Unit* units, uint32_t root_base,
                               std::string_view text) {
  TrieMatch match;
  uint32_t base = root_base;
  for (size_t at = 0; at < text.size(); ++at) {
    const uint32_t label = static_cast<uint8_t>(text[at]);
    const uint32_t slot = base ^ label;
    const flat_trie::Unit unit = units[slot];
    if ((unit & flat_trie::label_mask) != label) break;
    if ((unit & flat_trie::has_value) != 0) match = {slot, at + 1};
    base = unit >> flat_trie::base_shift;
  }
  return match;
}

}  // namespace hilo
