#include "engine/text_ring.h"

#include "base/ensure.h"

namespace hilo {

std::optional<TextRing::Block> TextRing::take(size_t bytes) {
  const size_t capacity = text_.size();
  ENSURE(bytes <= capacity);
  // A text does not wrap: what is left before the end is skipped when it is too small.
  const size_t place = end_ % capacity;
  const uint64_t begin = place + bytes <= capacity ? end_ : end_ + (capacity - place);
  if (begin + bytes - begin_ > capacity) return std::nullopt;
  if (next_ - first_ == blocks_max) return std::nullopt;
  end_ = begin + bytes;
  record(next_) = {.end = end_, .back = false};
  return Block{next_++, text_.subspan(begin % capacity, bytes)};
}

void TextRing::give_back(BlockId id) {
  ENSURE(id - first_ < next_ - first_);
  ENSURE(!record(id).back);
  record(id).back = true;
  while (!empty() && record(first_).back) begin_ = record(first_++).end;
  if (empty()) begin_ = end_ = 0;
}

}  // namespace hilo
