// Arrays of plain numbers that start on a cache line and are zero to begin with.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

#include "backend/cpu/cache_line.h"

namespace hilo {

inline constexpr size_t huge_page_bytes = size_t{2} << 20;

// Zeroed memory for std::free(); large ones are on huge pages where there are any.
void* allocate_aligned(size_t bytes);

template <class T>
class AlignedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t count)
      : data_(count > 0 ? static_cast<T*>(allocate_aligned(count * sizeof(T))) : nullptr),
        size_(count) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }

 private:
  struct Free {
    void operator()(T* data) const { std::free(data); }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

using AlignedFloats = AlignedArray<float>;

inline size_t round_up(size_t count, size_t unit) { return (count + unit - 1) / unit * unit; }

}  // namespace hilo
