#include "http/vector_math.h"

#include <cmath>

namespace hilo::http {

void normalize(std::span<float> vector) {
  double sum = 0;
  for (const float value : vector) sum += double{value} * double{value};
  if (sum == 0) return;
  const double scale = 1 / std::sqrt(sum);
  for (float& value : vector) value = static_cast<float>(double{value} * scale);
}

std::span<const float> shorten(std::span<const float> vector, size_t dims,
                               std::vector<float>& room) {
  room.assign(vector.begin(), vector.begin() + static_cast<ptrdiff_t>(dims));
  normalize(room);
  return room;
}

}  // namespace hilo::http
