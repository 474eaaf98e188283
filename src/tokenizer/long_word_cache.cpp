#include "tokenizer/long_word_cache.h"

#include <algorithm>
#include <bit>

#include "base/ensure.h"

namespace hilo {

LongWordCache::LongWordCache(size_t bytes) : slots_(bytes / sizeof(Slot)) {
  ENSURE(bytes >= sizeof(Slot));
  ENSURE(std::has_single_bit(bytes));
}

void LongWordCache::serve(uint64_t owner) {
  if (owner_ == owner) return;
  const bool is_empty = owner_ == 0;
  if (!is_empty) std::fill(slots_.begin(), slots_.end(), Slot{});
  owner_ = owner;
}

LongWordCache::Key LongWordCache::key_of(std::string_view word) {
  std::array<char, word_bytes_max + 1> bytes{};
  std::copy(word.begin(), word.end(), bytes.begin());
  bytes.back() = static_cast<char>(word.size());
  return std::bit_cast<Key>(bytes);
}

size_t LongWordCache::place_of(const Key& key) const {
  constexpr uint64_t odd = 0x9E3779B97F4A7C15;  // The golden ratio's bits spread a product well.
  uint64_t hash = 0;
  for (const uint64_t part : key.parts) hash = std::rotl((hash ^ part) * odd, 29);
  return (hash * odd >> 32) & (slots_.size() - 1);
}

LongWordCache::Found LongWordCache::find(const Key& key) const {
  const Slot& slot = slots_[place_of(key)];
  if (!(slot.key == key)) return {false, {}};
  return {true, std::span(slot.ids).first(slot.count)};
}

void LongWordCache::insert(const Key& key, std::span<const uint32_t> ids) {
  if (ids.size() > ids_max) return;
  Slot& slot = slots_[place_of(key)];
  slot.key = key;
  std::copy(ids.begin(), ids.end(), slot.ids.begin());
  slot.count = static_cast<uint32_t>(ids.size());
}

}  // namespace hilo
