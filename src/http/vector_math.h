// What is done to vectors between the engine and a response.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hilo::http {

// Makes it a unit vector; one of zeros stays.
void normalize(std::span<float> vector);
// 0 where one of them is of zeros.
float cosine(std::span<const float> a, std::span<const float> b);
// The first `dims` floats, made a unit vector again, in `room`.
std::span<const float> shorten(std::span<const float> vector, size_t dims,
                               std::vector<float>& room);

}  // namespace hilo::http
