#include "tokenizer/flat_trie.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tokenizer/tokenizer_cases.h"

namespace hilo {
namespace {

// Goal: the flat trie has the edges of the pointer trie and no others.
// Method: every node of the vocabulary's trie, every byte. Without the label of empty slots, or
// with two nodes on one base, phantom edges appear here.
TEST(FlatTrie, HasExactlyTheEdgesOfThePointerTrie) {
  std::array<Trie, 2> tries;
  uint32_t value = 0;
  for (const std::string& line : cases::vocabulary_lines()) tries[0].insert(line, value++);
  for (const std::string& line : cases::vocabulary_lines()) {
    if (line.size() > 2) tries[1].insert(line.substr(2), value++);
  }
  const FlatTries flat = flatten(tries).value();
  for (size_t which = 0; which < tries.size(); ++which) {
    const Trie& trie = tries[which];
    std::vector<Trie::Edge> edges;
    std::vector<uint32_t> base_of(trie.node_count());
    base_of[Trie::root] = flat.root_bases[which];
    for (uint32_t node = 0; node < trie.node_count(); ++node) {  // parents come before children
      std::array<const Trie::Edge*, 256> edge_of{};
      for (const Trie::Edge& edge : trie.edges_of(node, edges)) edge_of[edge.label] = &edge;
      for (uint32_t byte = 0; byte < 256; ++byte) {
        const uint32_t slot = base_of[node] ^ byte;
        ASSERT_LT(slot, flat.units.size());
        const flat_trie::Unit unit = flat.units[slot];
        const bool has_edge = (unit & flat_trie::label_mask) == byte;
        ASSERT_EQ(has_edge, edge_of[byte] != nullptr) << node << ' ' << byte;
        if (!has_edge) continue;
        const uint32_t child = edge_of[byte]->node;
        base_of[child] = unit >> flat_trie::base_shift;
        ASSERT_EQ((unit & flat_trie::has_value) != 0, trie.value_of(child).has_value());
        if (trie.value_of(child)) {
          ASSERT_EQ(flat.values[slot], *trie.value_of(child));
        }
      }
    }
  }
}

TEST(FlatTrie, FillsNearlyAllSlots) {
  std::array<Trie, 1> tries;
  for (const std::string& line : cases::vocabulary_lines()) tries[0].insert(line, 1);
  const FlatTries flat = flatten(tries).value();
  const size_t edges = tries[0].node_count() - 1;
  EXPECT_GT(static_cast<double>(edges), 0.97 * static_cast<double>(flat.units.size()));
}

TEST(FlatTrie, LongestKeyWins) {
  std::array<Trie, 3> tries;  // the last stays empty
  tries[0].insert("a", 1);
  tries[0].insert("abc", 2);
  tries[1].insert("abcd", 3);
  const FlatTries flat = flatten(tries).value();
  const auto match = [&](size_t trie, std::string_view text) {
    return longest_match(flat.units.data(), flat.root_bases[trie], text);
  };
  EXPECT_EQ(match(0, "abcd").bytes, 3U);
  EXPECT_EQ(flat.values[match(0, "abcd").slot], 2U);
  EXPECT_EQ(match(0, "abd").bytes, 1U);
  EXPECT_EQ(match(0, "b").bytes, 0U);
  EXPECT_EQ(match(1, "abcd").bytes, 4U);
  EXPECT_EQ(match(1, "abc").bytes, 0U);
  EXPECT_EQ(match(2, "abc").bytes, 0U);
}

}  // namespace
}  // namespace hilo
