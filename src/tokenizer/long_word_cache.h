// Words met lately that are too long for a WordCache or have too many ids, as most words have that
// a vocabulary was not made for.
//
//   slot   | the word's bytes, then zeros 31 | their number 1 | ids 23 x 4 | their number 4 |
//
// A word has one slot, two cache lines; the younger word takes it. Longer words and those of more
// ids are not kept. The size never changes. Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hilo {

inline constexpr size_t long_word_cache_bytes = 1U << 19;

class LongWordCache {
 public:
  static constexpr size_t word_bytes_max = 31;
  static constexpr size_t ids_max = 23;

  struct Key {
    std::array<uint64_t, 4> parts;
    bool operator==(const Key& other) const {
      uint64_t differing = 0;
      for (size_t at = 0; at < parts.size(); ++at) differing |= parts[at] ^ other.parts[at];
      return differing == 0;
    }
  };

  // `bytes` is a power of two and at least a slot.
  explicit LongWordCache(size_t bytes = long_word_cache_bytes);

  // As WordCache::serve().
  void serve(uint64_t owner);

  // Of a word of 1 to word_bytes_max bytes.
  static Key key_of(std::string_view word);
  // The ids of a word, or nothing, with `is_known` false, where it is not here.
  struct Found {
    bool is_known;
    std::span<const uint32_t> ids;
  };
  Found find(const Key& key) const;
  // Keeps a word's ids if there are not too many.
  void insert(const Key& key, std::span<const uint32_t> ids);

 private:
  struct alignas(64) Slot {
    Key key{};  // no word has this one: it has a number of bytes
    std::array<uint32_t, ids_max> ids{};
    uint32_t count = 0;
  };
  static_assert(sizeof(Slot) == 128);

  size_t place_of(const Key& key) const;

  std::vector<Slot> slots_;
  uint64_t owner_ = 0;
};

}  // namespace hilo
