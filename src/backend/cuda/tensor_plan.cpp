#include "backend/cuda/tensor_plan.h"

#include <algorithm>
#include <numeric>

#include "base/ensure.h"

namespace hilo {
namespace {

bool together(const TensorSpec& a, const TensorSpec& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

}  // namespace

TensorPlan plan_tensors(std::span<const TensorSpec> specs) {
  std::vector<size_t> order(specs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return specs[i].bytes; });

  TensorPlan plan{.offsets = std::vector<uint64_t>(specs.size()), .bytes = 0};
  std::vector<size_t> placed;  // by offset
  for (const size_t i : order) {
    ENSURE(specs[i].first_step <= specs[i].last_step);
    const uint64_t bytes = cuda_aligned(specs[i].bytes);
    uint64_t offset = 0;
    for (const size_t other : placed) {
      if (!together(specs[i], specs[other])) continue;
      if (offset + bytes <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + cuda_aligned(specs[other].bytes));
    }
    plan.offsets[i] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    const auto later = [&](size_t other) { return plan.offsets[other] > offset; };
    placed.insert(std::ranges::find_if(placed, later), i);
  }
  return plan;
}

}  // namespace hilo
