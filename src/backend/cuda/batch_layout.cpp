#include "backend/cuda/batch_layout.h"

#include <algorithm>

#include "backend/cuda/tensor_plan.h"
#include "base/ensure.h"

namespace hilo {
namespace {

constexpr uint32_t bucket_tokens_min = 32;

class Sections {
 public:
  size_t add(size_t bytes) {
    const size_t offset = end_;
    end_ += cuda_aligned(bytes);
    return offset;
  }
  size_t end() const { return end_; }

 private:
  size_t end_ = 0;
};

}  // namespace

std::vector<CudaBucket> cuda_buckets(uint32_t tokens_max, uint32_t texts_max) {
  ENSURE(tokens_max > 0);
  ENSURE(texts_max > 0);
  std::vector<CudaBucket> buckets;
  for (uint32_t tokens = bucket_tokens_min;; tokens *= 2) {
    buckets.push_back({.tokens = tokens, .texts = std::min(tokens, texts_max)});
    if (tokens >= tokens_max) return buckets;
  }
}

BatchLayout::BatchLayout(const CudaBucket& bucket) {
  Sections sections;
  counts = sections.add(sizeof(CudaBatchCounts));
  sequence_start = sections.add((size_t{bucket.texts} + 1) * sizeof(uint32_t));
  tiles = sections.add(bucket.tiles() * sizeof(CudaTile));
  ids = sections.add(bucket.tokens * sizeof(uint32_t));
  positions = sections.add(bucket.tokens * sizeof(uint32_t));
  types = sections.add(bucket.tokens);
  raw = sections.add(bucket.texts);
  bytes = sections.end();
}

void write_batch(const TokenBatch& batch, TextRange range, const EncoderConfig& config,
                 const BatchLayout& layout, std::byte* memory) {
  auto* const counts = reinterpret_cast<CudaBatchCounts*>(memory + layout.counts);
  auto* const starts = reinterpret_cast<uint32_t*>(memory + layout.sequence_start);
  auto* const tiles = reinterpret_cast<CudaTile*>(memory + layout.tiles);
  auto* const ids = reinterpret_cast<uint32_t*>(memory + layout.ids);
  auto* const positions = reinterpret_cast<uint32_t*>(memory + layout.positions);
  auto* const types = reinterpret_cast<uint8_t*>(memory + layout.types);
  auto* const raw = reinterpret_cast<uint8_t*>(memory + layout.raw);

  const uint32_t origin = batch.sequence_start[range.first];
  uint32_t tile = 0;
  for (size_t text = range.first; text < range.end; ++text) {
    const uint32_t begin = batch.sequence_start[text] - origin;
    const uint32_t end = batch.sequence_start[text + 1] - origin;
    starts[text - range.first] = begin;
    for (uint32_t query = begin; query < end; query += cuda_tile_queries)
      tiles[tile++] = {.first_query = query, .text_begin = begin, .text_end = end};
    uint32_t position = config.first_position();
    for (uint32_t token = begin; token < end; ++token) {
      const uint32_t id = batch.ids[origin + token];
      ids[token] = id;
      positions[token] = id == config.padding_id ? id : position++;
    }
  }
  const uint32_t tokens = batch.sequence_start[range.end] - origin;
  starts[range.end - range.first] = tokens;
  if (batch.types.empty())
    std::fill_n(types, tokens, uint8_t{0});
  else
    std::ranges::copy(batch.types.subspan(origin, tokens), types);
  const size_t texts = range.end - range.first;
  if (batch.raw.empty())
    std::fill_n(raw, texts, uint8_t{0});
  else
    std::ranges::copy(batch.raw.subspan(range.first, texts), raw);
  *counts = {.tokens = tokens, .texts = static_cast<uint32_t>(texts), .tiles = tile};
}

TextRange next_quantum(std::span<const uint32_t> sequence_start, size_t first,
                       const CudaBucket& largest) {
  const size_t texts = sequence_start.size() - 1;
  size_t end = first + 1;
  while (end < texts && end - first < largest.texts &&
         sequence_start[end + 1] - sequence_start[first] <= largest.tokens)
    ++end;
  return {first, end};
}

}  // namespace hilo
