// Byte-level BPE against its definition, with vocabularies whose merges part characters.
#include "tokenizer/byte_level_bpe.h"

#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer_cases.h"

namespace hilo {
namespace {

using Merge = std::pair<std::string, std::string>;

std::string piece_of(std::string_view bytes) {
  std::string piece;
  for (const char byte : bytes) piece += piece_of_byte(static_cast<uint8_t>(byte));
  return piece;
}

// All bytes and what the merges make of them.
Blob compile(const std::vector<Merge>& merges) {
  nlohmann::json vocabulary;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    vocabulary[piece_of_byte(static_cast<uint8_t>(byte))] = byte;
  }
  nlohmann::json pairs = nlohmann::json::array();
  for (const auto& [left, right] : merges) {
    const std::string merged = piece_of(left + right);
    if (!vocabulary.contains(merged)) vocabulary[merged] = vocabulary.size();
    pairs.push_back({piece_of(left), piece_of(right)});
  }
  const nlohmann::json tokenizer{
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", pairs}}},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"use_regex", false}}}};
  return compile_vocabulary(describe_tokenizer_json(tokenizer.dump(), "t.json").value()).value();
}

// The definition: the pair of the least rank, and of equal ones the first, again and again.
std::vector<std::string> merged_by_definition(std::string_view word,
                                              const std::vector<Merge>& merges) {
  std::map<Merge, size_t> ranks;
  for (size_t rank = 0; rank < merges.size(); ++rank) ranks[merges[rank]] = rank;
  std::vector<std::string> symbols;
  for (const char byte : word) symbols.emplace_back(1, byte);
  while (true) {
    size_t least = std::numeric_limits<size_t>::max();
    size_t place = 0;
    for (size_t at = 0; at + 1 < symbols.size(); ++at) {
      const auto found = ranks.find({symbols[at], symbols[at + 1]});
      if (found == ranks.end() || found->second >= least) continue;
      least = found->second;
      place = at;
    }
    if (least == std::numeric_limits<size_t>::max()) return symbols;
    symbols[place] += symbols[place + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

struct Model {
  explicit Model(const std::vector<Merge>& merges)
      : blob(compile(merges)), vocabulary(Vocabulary::open(blob.bytes()).value()) {}

  std::vector<std::string> tokens_of(std::string_view word) {
    TokenBuffer tokens;
    tokens.start(word.size());
    bpe.append({word}, scratch, tokens);
    std::vector<std::string> texts;
    for (const uint32_t id : tokens.ids()) {
      texts.push_back(bytes_of_piece(vocabulary.piece(id)).value());
    }
    return texts;
  }

  Blob blob;
  Vocabulary vocabulary;
  ByteLevelBpe bpe{vocabulary};
  BpeScratch scratch;
};

std::string random_word(cases::SplitMix64& random, uint32_t characters_max) {
  constexpr std::string_view characters[] = {"a",          "b",         "\u00e9", "\u00e8",
                                             "\u3042",     "\u3041",    "\u3082", "\u4e42",
                                             "\U0001F600", "\U0001F601"};
  std::string word;
  for (uint32_t left = 1 + random.below(characters_max); left > 0; --left) {
    word += characters[random.below(std::size(characters))];
  }
  return word;
}

// Neighbours of words of which earlier merges made what they are, then in another order: half of
// the merges come sooner than they would if they had been learned.
std::vector<Merge> random_merges(cases::SplitMix64& random) {
  std::vector<Merge> merges;
  for (uint32_t left = 5 + random.below(60); left > 0; --left) {
    const std::vector<std::string> symbols = merged_by_definition(random_word(random, 3), merges);
    if (symbols.size() < 2) continue;
    const uint32_t at = random.below(static_cast<uint32_t>(symbols.size()) - 1);
    merges.emplace_back(symbols[at], symbols[at + 1]);
  }
  for (size_t at = 0; at < merges.size(); at += 2) {
    std::swap(merges[at], merges[random.below(static_cast<uint32_t>(merges.size()))]);
  }
  return merges;
}

// Goal: whole characters change no token.
// Method: vocabularies in which nothing keeps a part of a character from merging with a neighbour
// before the character is one, or its token from merging before it could be there.
TEST(ByteLevelBpe, DoesWhatItsDefinitionSays) {
  cases::SplitMix64 random(60);
  for (int turn = 0; turn < 400; ++turn) {
    const std::vector<Merge> merges = random_merges(random);
    Model model(merges);
    for (int word_number = 0; word_number < 25; ++word_number) {
      const std::string word = random_word(random, 12);
      ASSERT_EQ(model.tokens_of(word), merged_by_definition(word, merges))
          << "turn " << turn << ' ' << word;
    }
  }
}

TEST(ByteLevelBpe, DoesItInLongWords) {
  cases::SplitMix64 random(61);
  for (int turn = 0; turn < 20; ++turn) {
    const std::vector<Merge> merges = random_merges(random);
    Model model(merges);
    const std::string word = random_word(random, 300);
    ASSERT_EQ(model.tokens_of(word), merged_by_definition(word, merges)) << "turn " << turn;
  }
}

// Whether the character at a place of a word is taken whole.
bool is_whole(const std::vector<Merge>& merges, std::string_view word, size_t at) {
  const Blob blob = compile(merges);
  const Vocabulary vocabulary = Vocabulary::open(blob.bytes()).value();
  const WholeCharacters characters(vocabulary, MergeTable(vocabulary.family_parts().merges));
  return characters.token_at(word, at, decode_first(word.substr(at))) != no_id;
}

TEST(WholeCharacters, AreThoseThatNothingCanComeBefore) {
  const std::string e = "\u00e9";  // C3 A9
  const std::string first = "\xC3";
  const std::string last = "\xA9";
  EXPECT_TRUE(is_whole({{first, last}}, "a" + e + "a", 1));
  EXPECT_FALSE(is_whole({}, e, 0));
  // Its first byte belongs to an a that stands before it, and to nothing else.
  EXPECT_FALSE(is_whole({{"a", first}, {first, last}}, "a" + e, 1));
  EXPECT_TRUE(is_whole({{"a", first}, {first, last}}, "b" + e, 1));
  EXPECT_TRUE(is_whole({{"a", first}, {first, last}}, e + "a", 0));
  EXPECT_TRUE(is_whole({{first, last}, {"a", first}}, "a" + e, 1));
  // The same of its last byte, and of characters behind it that begin with the same byte.
  EXPECT_FALSE(is_whole({{last, "a"}, {first, last}}, e + "a", 0));
  EXPECT_TRUE(is_whole({{last, "a"}, {first, last}}, e + "b", 0));
  EXPECT_FALSE(is_whole({{last, first}, {first, last}}, e + "\u00e8", 0));
  // A part of it belongs to tokens of any length.
  EXPECT_FALSE(is_whole({{"b", "a"}, {"ba", first}, {first, last}}, "ba" + e, 2));
  // In a word where another é is made first, ée would come before é is made here.
  EXPECT_FALSE(is_whole({{e, "e"}, {first, last}}, e, 0));
  EXPECT_TRUE(is_whole({{first, last}, {e, "e"}}, e, 0));
}

}  // namespace
}  // namespace hilo
