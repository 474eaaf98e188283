#include "tokenizer/word_cache.h"

#include <algorithm>

#include "base/ensure.h"
#include "tokenizer/vocabulary.h"

namespace hilo {

static_assert(hilo::ids_max <= 1U << 24);                   // An id fits three bytes.
static_assert(std::endian::native == std::endian::little);  // The number of bytes is the last one.

WordCache::WordCache(size_t bytes)
    : buckets_(bytes / sizeof(Bucket)), bucket_mask_(static_cast<uint32_t>(buckets_.size() - 1)) {
  static_assert(hilo::ids_max <= 1U << number_shift);
  ENSURE(bytes >= sizeof(Bucket));
  ENSURE(std::has_single_bit(bytes));
}

void WordCache::serve(uint64_t owner) {
  if (owner_ == owner) return;
  const bool is_empty = owner_ == 0;
  if (!is_empty) std::fill(buckets_.begin(), buckets_.end(), Bucket{});
  owner_ = owner;
}

void WordCache::insert(Key key, uint32_t bucket, std::span<const uint32_t> ids) {
  if (ids.size() > ids_max) return;
  std::array<Slot, 2>& slots = buckets_[bucket].slots;
  slots[1] = slots[0];
  slots[0] = {key, {}};
  std::copy(ids.begin(), ids.end(), slots[0].ids.begin());
  slots[0].ids[0] |= static_cast<uint32_t>(ids.size()) << number_shift;
}

}  // namespace hilo
