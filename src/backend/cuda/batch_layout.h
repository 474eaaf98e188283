// A batch as kernels read it: one block of memory, copied to the device at once. The same for all
// batches of a bucket, so that recorded work finds everything in its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cuda/driver.h"
#include "model/model.h"

namespace hilo {

// How large a batch may be for work that was recorded for this bucket.
struct CudaBucket {
  uint32_t tokens;
  uint32_t texts;

  uint32_t tiles() const { return tokens / cuda_tile_queries + texts; }
};

// Buckets for batches of up to `tokens_max` tokens, each twice the one before: a batch is computed
// with at most twice its rows. The last fits tokens_max.
std::vector<CudaBucket> cuda_buckets(uint32_t tokens_max, uint32_t texts_max);

struct BatchLayout {
  explicit BatchLayout(const CudaBucket& bucket);

  size_t counts, sequence_start, tiles, ids, positions, types, raw;  // offsets, cuda_aligned
  size_t bytes;
};

// Texts [first, end) of a batch, written to `memory` as the layout says. Types that the batch lacks
// are 0, and no text is raw where it does not say.
struct TextRange {
  size_t first;
  size_t end;
};
void write_batch(const TokenBatch& batch, TextRange range, const EncoderConfig& config,
                 const BatchLayout& layout, std::byte* memory);

// As many texts from `first` on as fit the largest bucket, at least one.
TextRange next_quantum(std::span<const uint32_t> sequence_start, size_t first,
                       const CudaBucket& largest);

}  // namespace hilo
