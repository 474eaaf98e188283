#include "tokenizer/precompiled.h"

#include <algorithm>
#include <cstring>

#include "tokenizer/graphemes.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/utf8.h"

namespace hilo {

namespace {

constexpr uint32_t unit_bytes = sizeof(uint32_t);
// Longer clusters are looked up character by character.
constexpr size_t cluster_bytes_max = 5;
constexpr size_t text_bytes_max = 255;

// Darts' unit.
bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FF; }
size_t offset_of(uint32_t unit) { return size_t{unit >> 10} << ((unit & 0x200) >> 6); }

}  // namespace

Result<Precompiled> Precompiled::open(std::span<const std::byte> charsmap) {
  uint32_t trie_bytes = 0;
  if (charsmap.size() < sizeof(trie_bytes)) return Error{"its precompiled_charsmap is cut short"};
  std::memcpy(&trie_bytes, charsmap.data(), sizeof(trie_bytes));
  const std::span<const std::byte> rest = charsmap.subspan(sizeof(trie_bytes));
  trie_bytes -= trie_bytes % uint32_t{unit_bytes};
  if (trie_bytes == 0 || trie_bytes > rest.size()) {
    return Error{"its precompiled_charsmap has a trie that is longer than itself"};
  }
  Precompiled map;
  map.units_ = rest.first(trie_bytes);
  const std::span<const std::byte> texts = rest.subspan(trie_bytes);
  map.texts_ = {reinterpret_cast<const char*>(texts.data()), texts.size()};
  if (!is_valid_utf8(map.texts_)) return Error{"its precompiled_charsmap has texts not in UTF-8"};
  size_t length = 0;
  for (const char byte : map.texts_) {
    length = byte == '\0' ? 0 : length + 1;
    map.longest_text_ = std::max(map.longest_text_, length);
  }
  if (map.longest_text_ > text_bytes_max) {
    return Error{"its precompiled_charsmap has a text of more than 255 bytes"};
  }
  for (uint8_t byte = 0x20; byte < 0x7F; ++byte) {
    const auto character = static_cast<char>(byte);
    map.stays_[byte] = !map.transform({&character, 1});
  }
  return map;
}

uint32_t Precompiled::unit(size_t place) const {
  uint32_t value = 0;
  if (place < units_.size() / unit_bytes) {
    std::memcpy(&value, units_.data() + place * unit_bytes, unit_bytes);
  }
  return value;
}

std::optional<std::string_view> Precompiled::transform(std::string_view chunk) const {
  size_t node = offset_of(unit(0));
  for (const char byte : chunk) {
    const uint32_t label = static_cast<uint8_t>(byte);
    node ^= label;
    const uint32_t child = unit(node);
    // A zero in a text ends the search; a place outside of the trie reads as zero, too.
    if (label == 0 || label_of(child) != label) return std::nullopt;
    node ^= offset_of(child);
    if (has_leaf(child)) return text_at(value_of(unit(node)));
  }
  return std::nullopt;
}

std::string_view Precompiled::text_at(size_t place) const {
  if (place >= texts_.size()) return {};
  const std::string_view rest = texts_.substr(place);
  return rest.substr(0, std::min(rest.find('\0'), rest.size()));
}

// The characters from the begin of `text` that stay as they are and are clusters of their own: a
// printable one is, if another ASCII character or nothing follows.
size_t Precompiled::plain_run(std::string_view text) const {
  size_t bytes = 0;
  while (bytes < text.size() && static_cast<uint8_t>(text[bytes]) < 0x80 &&
         stays_[static_cast<uint8_t>(text[bytes])]) {
    ++bytes;
  }
  const bool before_other = bytes < text.size() && static_cast<uint8_t>(text[bytes]) >= 0x80;
  return bytes > 0 && before_other ? bytes - 1 : bytes;
}

void Precompiled::append_cluster(std::string_view cluster, Rewriter& normalized) const {
  if (cluster.size() <= cluster_bytes_max) {
    if (const auto text = transform(cluster)) return normalized.rewrite(cluster, *text);
  }
  while (!cluster.empty()) {
    const std::string_view character = cluster.substr(0, decode_first(cluster).bytes);
    normalized.rewrite(character, transform(character).value_or(character));
    cluster.remove_prefix(character.size());
  }
}

void Precompiled::normalize(std::string_view text, Rewriter& normalized) const {
  while (!text.empty()) {
    size_t bytes = plain_run(text);
    if (bytes > 0) {
      normalized.keep(text.substr(0, bytes));
    } else {
      bytes = grapheme_bytes(text);
      append_cluster(text.substr(0, bytes), normalized);
    }
    text.remove_prefix(bytes);
  }
}

}  // namespace hilo
