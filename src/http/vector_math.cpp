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

float cosine(std::span<const float> a, std::span<const float> b) {
  double product = 0;
  double a_squared = 0;
  double b_squared = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * double{b[i]};
    a_squared += double{a[i]} * double{a[i]};
    b_squared += double{b[i]} * double{b[i]};
  }
  if (a_squared == 0 || b_squared == 0) return 0;
  return static_cast<float>(product / std::sqrt(a_squared * b_squared));
}

std::span<const float> shorten(std::span<const float> vector, size_t dims,
                               std::vector<float>& room) {
  room.assign(vector.begin(), vector.begin() + static_cast<ptrdiff_t>(dims));
  normalize(room);
  return room;
}

}  // namespace hilo::http
