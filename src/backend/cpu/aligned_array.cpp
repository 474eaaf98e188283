#include "backend/cpu/aligned_array.h"

#include <cstring>
#include <sys/mman.h>

namespace hilo {

void* allocate_aligned(size_t bytes) {
  const bool large = bytes >= 2 * huge_page_bytes;
  const size_t alignment = large ? huge_page_bytes : cache_line_bytes;
  const size_t rounded = round_up(bytes + 1, alignment);
  void* const data = std::aligned_alloc(alignment, rounded);
  if (data == nullptr) throw std::bad_alloc();
  // Advice only: without huge pages everything works, a little slower.
  if (large) static_cast<void>(::madvise(data, rounded, MADV_HUGEPAGE));
  std::memset(data, 0, rounded);
  return data;
}

}  // namespace hilo
