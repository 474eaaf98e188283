#include "backend/tensorrt/padded_batch.h"

#include <algorithm>
#include <numeric>

#include "backend/cuda/tensor_plan.h"
#include "base/ensure.h"

namespace hilo {
namespace {

uint32_t length_of(std::span<const uint32_t> sequence_start, uint32_t text) {
  return sequence_start[text + 1] - sequence_start[text];
}

}  // namespace

void order_by_length(std::span<const uint32_t> sequence_start, std::vector<uint32_t>& order) {
  order.resize(sequence_start.size() - 1);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    const uint32_t a_length = length_of(sequence_start, a);
    const uint32_t b_length = length_of(sequence_start, b);
    return a_length != b_length ? a_length < b_length : a < b;
  });
}

uint32_t PaddedLimits::cells_max() const {
  const uint64_t whole = uint64_t{max.texts} * max.tokens;
  return std::max(static_cast<uint32_t>(std::min<uint64_t>(whole, cells)), max.tokens);
}

TensorRtShape next_table(std::span<const uint32_t> sequence_start, std::span<const uint32_t> left,
                         const PaddedLimits& limits) {
  TensorRtShape shape{.texts = 1, .tokens = length_of(sequence_start, left[0])};
  ENSURE(shape.tokens <= limits.max.tokens);
  for (const uint32_t text : left.subspan(1)) {
    const uint32_t length = length_of(sequence_start, text);
    const uint64_t cells = uint64_t{shape.texts + 1} * length;
    if (shape.texts == limits.max.texts || length > limits.max.tokens || cells > limits.cells)
      break;
    shape = {.texts = shape.texts + 1, .tokens = length};
  }
  return shape;
}

PaddedLayout::PaddedLayout(uint32_t cells) {
  const size_t table = cuda_aligned(cells * sizeof(uint16_t));
  ids = 0;
  mask = table;
  types = 2 * table;
  bytes = 3 * table;
}

void write_tables(const TokenBatch& batch, std::span<const uint32_t> texts, TensorRtShape shape,
                  uint32_t padding_id, std::byte* memory) {
  const uint32_t cells = shape.texts * shape.tokens;
  const PaddedLayout layout(cells);
  auto* ids = reinterpret_cast<uint16_t*>(memory + layout.ids);
  auto* mask = reinterpret_cast<uint16_t*>(memory + layout.mask);
  auto* types = reinterpret_cast<uint16_t*>(memory + layout.types);
  std::fill_n(ids, cells, static_cast<uint16_t>(padding_id));
  std::fill_n(mask, cells, uint16_t{0});
  std::fill_n(types, cells, uint16_t{0});
  for (const uint32_t text : texts) {
    const uint32_t begin = batch.sequence_start[text];
    const uint32_t length = length_of(batch.sequence_start, text);
    std::ranges::transform(batch.ids.subspan(begin, length), ids,
                           [](uint32_t id) { return static_cast<uint16_t>(id); });
    std::fill_n(mask, length, uint16_t{1});
    if (!batch.types.empty()) std::ranges::copy(batch.types.subspan(begin, length), types);
    ids += shape.tokens;
    mask += shape.tokens;
    types += shape.tokens;
  }
}

}  // namespace hilo
