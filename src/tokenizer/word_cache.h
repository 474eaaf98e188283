// Words met lately and their ids, so that a common word costs one look at memory.
//
//   slot   | the word's bytes, then zeros 15 | their number 1 | ids 4 x 4, the first with their
//   number |
//
// Two slots, a cache line, make a bucket, and a word may lie in either slot of its bucket. Longer
// words and those of more ids are not kept. The size never changes, and what is pushed out is the
// older of two: a text of strange words costs speed and nothing else.
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace hilo {

inline constexpr size_t word_cache_bytes = 1U << 20;

class WordCache {
 public:
  static constexpr size_t word_bytes_max = 15;
  static constexpr size_t ids_max = 4;
  static constexpr size_t bytes_read = 16;  // from the begin of a word, to make its key

  struct Key {
    uint64_t low;
    uint64_t high;
    bool operator==(const Key&) const = default;
  };

  // `bytes` is a power of two and at least a bucket.
  explicit WordCache(size_t bytes = word_cache_bytes);

  // Forgets everything if it was learned for another owner: ids of words depend on the tokenizer.
  // An owner is not 0.
  void serve(uint64_t owner);

  // Of a word of 1 to word_bytes_max bytes; `bytes_read` can be read.
  static Key key_of(const char* word, size_t bytes);
  // The same where bytes up to `readable_end` can be read, at least those of the word.
  static Key key_of(std::string_view word, const char* readable_end);
  uint32_t bucket_of(Key key) const {
    constexpr uint64_t odd = 0x9E3779B97F4A7C15;  // The golden ratio's bits spread a product well.
    return static_cast<uint32_t>(((key.low ^ std::rotl(key.high, 29)) * odd) >> 32) & bucket_mask_;
  }
  void prefetch(uint32_t bucket) const { __builtin_prefetch(&buckets_[bucket]); }

  // Copies the ids of a word to `ids`, which has room for ids_max whatever their number is. Returns
  // their number, or `unknown`.
  static constexpr size_t unknown = 0xFF;
  size_t find(Key key, uint32_t bucket, uint32_t* ids) const;
  // Keeps a word's ids if there are not too many.
  void insert(Key key, uint32_t bucket, std::span<const uint32_t> ids);

 private:
  static constexpr int number_shift = 24;  // ids are smaller: see word_cache.cpp
  struct Slot {
    Key key{};
    std::array<uint32_t, ids_max> ids{};  // the first with the number of ids on top
  };
  struct alignas(64) Bucket {
    std::array<Slot, 2> slots;
  };
  static_assert(sizeof(Bucket) == 64);

  std::vector<Bucket> buckets_;
  uint32_t bucket_mask_;
  uint64_t owner_ = 0;
};

inline WordCache::Key WordCache::key_of(const char* word, size_t bytes) {
  // The bytes that stay of the 16 that are read; a table, because shifts by a variable are slow.
  struct Kept {
    uint64_t low;
    uint64_t high;
  };
  static constexpr std::array<Kept, bytes_read> kept = [] {
    std::array<Kept, bytes_read> made{};
    for (size_t count = 1; count < bytes_read; ++count) {
      made[count] = made[count - 1];
      (count <= 8 ? made[count].low : made[count].high) |= uint64_t{0xFF} << (count - 1) % 8 * 8;
    }
    return made;
  }();
  Key key;
  std::memcpy(&key.low, word, sizeof(key.low));
  std::memcpy(&key.high, word + sizeof(key.low), sizeof(key.high));
  return {key.low & kept[bytes].low, (key.high & kept[bytes].high) | uint64_t{bytes} << 56};
}

inline WordCache::Key WordCache::key_of(std::string_view word, const char* readable_end) {
  if (static_cast<size_t>(readable_end - word.data()) >= bytes_read) {
    return key_of(word.data(), word.size());
  }
  std::array<char, bytes_read> padded{};
  std::copy(word.begin(), word.end(), padded.begin());
  return key_of(padded.data(), word.size());
}

inline size_t WordCache::find(Key key, uint32_t bucket, uint32_t* ids) const {
  const std::array<Slot, 2>& slots = buckets_[bucket].slots;
  // Which of the two it is cannot be foretold, so no branch depends on it.
  const auto differs = [key](const Slot& slot) {
    return (slot.key.low ^ key.low) | (slot.key.high ^ key.high);
  };
  const uint64_t from_first = differs(slots[0]);
  const uint64_t from_second = differs(slots[1]);
  if (std::min(from_first, from_second) != 0) return unknown;
  const std::array<uint32_t, ids_max>& found = slots[static_cast<size_t>(from_first != 0)].ids;
  // All of them, for that is faster than to ask how many there are.
  ids[0] = found[0] & ((1U << number_shift) - 1);
  ids[1] = found[1];
  ids[2] = found[2];
  ids[3] = found[3];
  return found[0] >> number_shift;
}

}  // namespace hilo
