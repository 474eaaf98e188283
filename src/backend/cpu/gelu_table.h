// erf(a / sqrt(2)) / 2 for a >= 0, as cubics on equal segments: the part of GELU that is not a
// multiplication. 32 segments fit two vector registers, so a kernel looks all of them up at once.
#pragma once

#include <cstddef>

namespace hilo {

inline constexpr size_t gelu_segments = 32;
// Above this the function is 0.5 to the last bit of a float.
inline constexpr float gelu_end = 5.5F;

// Segment s covers [s, s + 1) * gelu_end / gelu_segments. With t the position in it, from 0 to 1,
// the value is coefficient[0][s] + t * (coefficient[1][s] + t * (coefficient[2][s] + ...)).
struct alignas(64) GeluTable {
  float coefficient[4][gelu_segments];
};
extern const GeluTable gelu_table;

}  // namespace hilo
