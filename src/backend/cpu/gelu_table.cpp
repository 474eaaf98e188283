#include "backend/cpu/gelu_table.h"

#include <array>
#include <cmath>
#include <numbers>

namespace hilo {
namespace {

double half_erf(double a) { return 0.5 * std::erf(a / std::numbers::sqrt2); }

// The cubic through the four Chebyshev nodes of the segment: Newton's divided differences,
// expanded.
std::array<double, 4> fit_segment(double start, double width) {
  std::array<double, 4> node{};
  std::array<double, 4> difference{};
  for (size_t i = 0; i < 4; ++i) {
    const double angle = std::numbers::pi * (2.0 * static_cast<double>(i) + 1.0) / 8.0;
    node[i] = 0.5 + 0.5 * std::cos(angle);
    difference[i] = half_erf(start + width * node[i]);
  }
  for (size_t order = 1; order < 4; ++order) {
    for (size_t i = 3; i >= order; --i) {
      difference[i] = (difference[i] - difference[i - 1]) / (node[i] - node[i - order]);
    }
  }
  std::array<double, 4> polynomial{};
  for (size_t i = 4; i-- > 0;) {  // polynomial = polynomial * (t - node[i]) + difference[i]
    for (size_t power = 3; power > 0; --power) {
      polynomial[power] = polynomial[power - 1] - node[i] * polynomial[power];
    }
    polynomial[0] = difference[i] - node[i] * polynomial[0];
  }
  return polynomial;
}

GeluTable fit_table() noexcept {
  GeluTable table{};
  const double width = static_cast<double>(gelu_end) / gelu_segments;
  // The last segment also serves everything beyond it, where only 0.5 itself keeps GELU of a large
  // negative number at 0.
  table.coefficient[0][gelu_segments - 1] = 0.5F;
  for (size_t segment = 0; segment + 1 < gelu_segments; ++segment) {
    const auto polynomial = fit_segment(static_cast<double>(segment) * width, width);
    for (size_t power = 0; power < 4; ++power) {
      table.coefficient[power][segment] = static_cast<float>(polynomial[power]);
    }
  }
  return table;
}

}  // namespace

const GeluTable gelu_table = fit_table();

}  // namespace hilo
