// Weights as integers from -127 to 127 times one scale, the largest of them at the end of that
// range.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace hilo {

struct IntegerScale {
  float scale;  // 0 where all weights are

  int8_t at(float weight) const {
    return scale > 0.0F ? static_cast<int8_t>(std::lrintf(weight / scale)) : int8_t{0};
  }
};

inline IntegerScale integer_scale_of(std::span<const float> weights) {
  float largest = 0.0F;
  for (const float weight : weights) largest = std::max(largest, std::abs(weight));
  return {largest / 127.0F};
}

}  // namespace hilo
