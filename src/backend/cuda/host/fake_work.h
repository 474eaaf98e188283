// What a piece of work on the fake device is: which memory it touches, and how it is done.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend/cuda/driver.h"

namespace hilo {

struct Touch {
  const void* memory;
  uint64_t bytes;
  bool writes;
  bool pinned = false;  // memory of the host
  bool aligned = true;  // must begin at a multiple of cuda_alignment

  const char* begin() const { return static_cast<const char*>(memory); }
  const char* end() const { return begin() + bytes; }
};

inline bool overlap(const Touch& a, const Touch& b) {
  return a.begin() < b.end() && b.begin() < a.end();
}

struct Work {
  std::string name;
  std::vector<Touch> touches;
  std::function<int()> run;
};

Work work_of(const CudaEmbed& embed);
Work work_of(const CudaAddNorm& add_norm);
Work work_of(const CudaGelu& gelu);
Work work_of(const CudaAttention& attention);
Work work_of(const CudaPool& pool);
Work work_of(const CudaScore& score);
Work work_of(const CudaUpcast& upcast, bool to_int64);
Work work_of(const CudaGemmShape& shape, const CudaProduct& product);
Work copy_work(void* to, const void* from, uint64_t bytes, bool in);

}  // namespace hilo
