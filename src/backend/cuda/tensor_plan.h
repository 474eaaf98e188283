// Where tensors lie in one allocation: those that are never alive at the same time may share
// memory. Pure: sizes and lifetimes in, offsets out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cuda/driver.h"

namespace hilo {

// The next multiple of cuda_alignment.
constexpr uint64_t cuda_aligned(uint64_t bytes) {
  return (bytes + cuda_alignment - 1) / cuda_alignment * cuda_alignment;
}

// Alive from one step to another, both included. Steps of a loop are counted once.
struct TensorSpec {
  uint64_t bytes;
  uint32_t first_step;
  uint32_t last_step;
};

struct TensorPlan {
  std::vector<uint64_t> offsets;  // in the order of the specs, multiples of cuda_alignment
  uint64_t bytes = 0;             // of everything
};

// The largest first, each as low as those that live beside it allow.
TensorPlan plan_tensors(std::span<const TensorSpec> specs);

}  // namespace hilo
