// Texts as an engine of TensorRT takes them: a table with a row for each, padded to the longest.
// Pure. Numbers are narrow here, and widened on the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/tensorrt/shim.h"

namespace hilo {

// Places of a batch's texts, shortest first, so that those padded together are about as long.
void order_by_length(std::span<const uint32_t> sequence_start, std::vector<uint32_t>& order);

// What a lane computes at once: no side of the table is longer than `max`, and it has at most
// `cells` of them; but one text always fits.
struct PaddedLimits {
  TensorRtShape max;
  uint32_t cells;

  // The largest table that there can be.
  uint32_t cells_max() const;
};

// The shape of the next texts of those `left`, which are shortest first.
TensorRtShape next_table(std::span<const uint32_t> sequence_start, std::span<const uint32_t> left,
                         const PaddedLimits& limits);

// Three tables of so many cells, 16 bits each: ids, which are kept (1) and which are padding (0),
// and types.
struct PaddedLayout {
  explicit PaddedLayout(uint32_t cells);

  size_t ids, mask, types;  // offsets, cuda_aligned
  size_t bytes;
};

// Writes these texts of the batch as tables of this shape.
void write_tables(const TokenBatch& batch, std::span<const uint32_t> texts, TensorRtShape shape,
                  uint32_t padding_id, std::byte* memory);

}  // namespace hilo
