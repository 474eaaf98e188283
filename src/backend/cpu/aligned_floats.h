// Floats that start on a cache line and are zero to begin with.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace hilo {

inline constexpr size_t cache_line_bytes = 64;

class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(size_t count);

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(float); }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  std::unique_ptr<float, Free> data_;
  size_t size_ = 0;
};

inline size_t round_up(size_t count, size_t unit) { return (count + unit - 1) / unit * unit; }

}  // namespace hilo
