// Memory for weights, side by side on huge pages. Every batch reads all weights from end to end:
// with small pages, or a matrix's end in every huge one, a lone text takes a fifth longer.
// Owns what it gives, until it ends. Errors: std::bad_alloc.
#pragma once

#include <cstddef>
#include <vector>

namespace hilo {

class WeightArena {
 public:
  WeightArena() = default;
  ~WeightArena();
  WeightArena(const WeightArena&) = delete;
  WeightArena& operator=(const WeightArena&) = delete;

  // Zeroes, from a cache line on.
  template <class T>
  T* take(size_t count) {
    return static_cast<T*>(take_bytes(count * sizeof(T)));
  }

 private:
  struct Chunk {
    void* data;
    size_t bytes;
    size_t used;
  };

  void* take_bytes(size_t bytes);

  std::vector<Chunk> chunks_;
};

}  // namespace hilo
