#include "tokenizer/compile_family.h"

#include <algorithm>

#include <fmt/format.h>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/merge_table.h"

namespace hilo {

namespace {

constexpr uint32_t byte_values = 256;

std::vector<uint32_t> ids_of_bytes(const TokenizerDescription& description) {
  std::vector<uint32_t> ids(byte_values, no_id);
  const bool is_unigram = description.family == TokenizerFamily::unigram;
  for (uint32_t byte = 0; byte < byte_values; ++byte) {
    const std::string text =
        is_unigram ? fmt::format("<0x{:02X}>", byte) : piece_of_byte(static_cast<uint8_t>(byte));
    if (const Piece* piece = description.pieces.find(text)) ids[byte] = piece->id;
  }
  return ids;
}

void append_step(const NormalizerStep& step, FamilyImage& image) {
  image.steps.push_back({.kind = static_cast<uint32_t>(step.kind),
                         .strip = (step.left ? 1U : 0U) | (step.right ? 2U : 0U),
                         .run_min = step.pattern.run_min,
                         .text_begin = static_cast<uint32_t>(image.step_text.size()),
                         .pattern_bytes = static_cast<uint32_t>(step.pattern.text.size()),
                         .content_bytes = static_cast<uint32_t>(step.content.size())});
  image.step_text += step.pattern.text + step.content;
}

FamilyOptions options_of(const FamilyDescription& family) {
  const PreTokenizerOptions& pre = family.pre_tokenizer;
  return {.whitespace_split = pre.whitespace_split,
          .metaspace = pre.metaspace,
          .replacement = static_cast<uint32_t>(pre.replacement),
          .prepend = static_cast<uint32_t>(pre.prepend),
          .split = pre.split,
          .pattern = static_cast<uint32_t>(pre.pattern),
          .add_prefix_space = pre.add_prefix_space,
          .byte_fallback = family.byte_fallback,
          .fuse_unknown = family.fuse_unknown,
          .ignore_merges = family.ignore_merges};
}

// Sorting 250,000 pieces takes longest where each look goes to a text: most are told apart by the
// first eight bytes, as one number.
struct TrieKey {
  uint64_t first_bytes;
  std::string_view text;
  uint32_t id;
};

TrieKey key_of(std::string_view text, uint32_t id) {
  uint64_t first_bytes = 0;
  for (size_t at = 0; at < sizeof(first_bytes); ++at) {
    first_bytes = first_bytes << 8 | (at < text.size() ? static_cast<uint8_t>(text[at]) : 0U);
  }
  return {first_bytes, text, id};
}

}  // namespace

FamilyParts FamilyImage::parts() const {
  return {.options = options,
          .scores = scores,
          .byte_ids = byte_ids,
          .merges = merges,
          .steps = steps,
          .step_text = step_text,
          .charsmap = std::as_bytes(std::span(charsmap))};
}

FamilyImage make_family_image(const TokenizerDescription& description, uint32_t id_count) {
  FamilyImage image;
  if (description.family == TokenizerFamily::word_piece) return image;
  const FamilyDescription& family = description.subwords;
  image.options = options_of(family);
  image.byte_ids = ids_of_bytes(description);
  for (const NormalizerStep& step : family.steps) append_step(step, image);
  image.charsmap = family.charsmap;
  if (description.family == TokenizerFamily::unigram) {
    image.scores = family.scores;
    // Added tokens have ids, but nobody asks for their scores; these may not become the least one.
    image.scores.resize(id_count, image.scores.empty() ? 0.0 : image.scores.front());
  } else {
    image.merges = make_merge_table(family.merges);
  }
  return image;
}

void insert_pieces(const TokenizerDescription& description, Trie& trie) {
  const bool is_unigram = description.family == TokenizerFamily::unigram;
  // BPE looks whole words up only if it may ignore its merges.
  if (!is_unigram && !description.subwords.ignore_merges) return;
  std::vector<std::string> bytes;  // where pieces are not what they stand for
  bytes.reserve(is_unigram ? 0 : description.pieces.size());
  std::vector<TrieKey> keys;
  keys.reserve(description.pieces.size());
  for (const auto& [piece, id] : description.pieces) {
    std::string_view key = piece;
    if (!is_unigram) key = bytes.emplace_back(bytes_of_piece(piece).value_or(""));
    if (!key.empty()) keys.push_back(key_of(key, id));
  }
  std::sort(keys.begin(), keys.end(), [](const TrieKey& a, const TrieKey& b) {
    return a.first_bytes != b.first_bytes ? a.first_bytes < b.first_bytes : a.text < b.text;
  });
  for (const TrieKey& key : keys) trie.insert(key.text, key.id);
}

}  // namespace hilo
