// A large array whose pages take memory when they are first touched. The budget counts it whole;
// reusing the warmest parts first keeps most of it untouched.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <sys/mman.h>
#include <type_traits>

namespace hilo {

template <class T>
class ReservedMemory {
  static_assert(std::is_trivial_v<T>);  // Fresh pages are zero; nothing is constructed.

 public:
  explicit ReservedMemory(size_t count) : count_(count) {
    void* const memory = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    data_ = static_cast<T*>(memory);
  }
  ~ReservedMemory() { ::munmap(data_, bytes()); }
  ReservedMemory(const ReservedMemory&) = delete;
  ReservedMemory& operator=(const ReservedMemory&) = delete;

  std::span<T> all() const { return {data_, count_}; }
  size_t bytes() const { return count_ * sizeof(T); }

 private:
  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace hilo
