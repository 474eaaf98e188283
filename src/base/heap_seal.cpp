// The overrides have a source file of their own: next to code that uses them, g++ 12 pairs a `new`
// and a `delete` wrongly and warns.
#include "base/heap_seal.h"

#include <cstddef>
#include <cstdlib>
#include <new>

#include "base/ensure.h"

namespace hilo {
namespace {

thread_local int seals = 0;

}  // namespace

HeapSeal::HeapSeal() { ++seals; }
HeapSeal::~HeapSeal() { --seals; }

}  // namespace hilo

#ifndef NDEBUG
namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (hilo::seals != 0) hilo::ensure_failed("no allocation under a HeapSeal", __FILE__, __LINE__);
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

// The other forms of the standard library call these. Those of the address sanitizer do not, and it
// holds each to its kind: so the form that std::stable_sort takes is here, too.
void* operator new(std::size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
#endif
