#include "backend/cpu/weight_arena.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <sys/mman.h>

#include "backend/cpu/aligned_array.h"

namespace hilo {
namespace {

// Address space only: what is never written takes no memory.
constexpr size_t chunk_bytes_min = size_t{256} << 20;

}  // namespace

WeightArena::~WeightArena() {
  for (const Chunk& chunk : chunks_) ::munmap(chunk.data, chunk.bytes);
}

void* WeightArena::take_bytes(size_t bytes) {
  const size_t rounded = round_up(bytes, cache_line_bytes);
  if (chunks_.empty() || chunks_.back().bytes - chunks_.back().used < rounded) {
    const size_t size = std::max(round_up(rounded, huge_page_bytes), chunk_bytes_min);
    void* const data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
    // Advice only: without huge pages everything works, a little slower.
    static_cast<void>(::madvise(data, size, MADV_HUGEPAGE));
    chunks_.push_back({.data = data, .bytes = size, .used = 0});
  }
  Chunk& chunk = chunks_.back();
  auto* const taken = static_cast<uint8_t*>(chunk.data) + chunk.used;
  chunk.used += rounded;
  return taken;
}

}  // namespace hilo
