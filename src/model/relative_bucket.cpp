#include "model/relative_bucket.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace hilo {

uint32_t relative_bucket(int32_t key_minus_query) {
  constexpr uint32_t half = relative_buckets / 2;
  constexpr uint32_t near = half / 2;
  const uint32_t side = key_minus_query > 0 ? half : 0;
  const auto distance = static_cast<uint64_t>(std::abs(int64_t{key_minus_query}));
  if (distance < near) return side + static_cast<uint32_t>(distance);
  // The square's binary logarithm counts by the square root of two, in whole numbers.
  const auto logarithm_of_square = [](uint64_t number) {
    return static_cast<uint32_t>(std::bit_width(number * number)) - 1;
  };
  const uint32_t beyond_near = logarithm_of_square(distance) - logarithm_of_square(near);
  return side + std::min(near + beyond_near, half - 1);
}

}  // namespace hilo
