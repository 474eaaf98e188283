// What caches and memory move at a time. Kernels read this too, so it must hold no function.
#pragma once

#include <cstddef>

namespace hilo {

inline constexpr size_t cache_line_bytes = 64;

}  // namespace hilo
