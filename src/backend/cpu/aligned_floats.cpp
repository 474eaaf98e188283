#include "backend/cpu/aligned_floats.h"

#include <cstring>
#include <sys/mman.h>

namespace hilo {
namespace {

// Weights are read from end to end for every batch: huge pages spare most of the address lookups.
constexpr size_t huge_page_bytes = size_t{2} << 20;

}  // namespace

AlignedFloats::AlignedFloats(size_t count) : size_(count) {
  const bool large = bytes() >= 2 * huge_page_bytes;
  const size_t alignment = large ? huge_page_bytes : cache_line_bytes;
  const size_t rounded = round_up(bytes() + 1, alignment);
  data_.reset(static_cast<float*>(std::aligned_alloc(alignment, rounded)));
  if (data_ == nullptr) throw std::bad_alloc();
  // Advice only: without huge pages everything works, a little slower.
  if (large) static_cast<void>(::madvise(data_.get(), rounded, MADV_HUGEPAGE));
  std::memset(data_.get(), 0, rounded);
}

}  // namespace hilo
