// Measurements that a client process leaves for its parent: memory that both see.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <type_traits>
#include <vector>

#include "base/clock.h"
#include "base/ensure.h"

namespace hilo {

// An object shared with the processes that are forked after it was made. Lives until the end.
template <class T>
T& make_shared_with_children() {
  static_assert(std::is_trivially_destructible_v<T>);
  void* const memory =
      ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ENSURE(memory != MAP_FAILED);
  return *new (memory) T{};
}

struct Samples {
  static constexpr size_t count_max = 200'000;
  size_t count;
  Nanoseconds values[count_max];

  void add(Nanoseconds value) {
    if (count < count_max) values[count++] = value;
  }
  // The smallest value that at least this share of the samples does not exceed.
  double quantile_us(double share) const {
    if (count == 0) return 0;
    std::vector<Nanoseconds> sorted(values, values + count);
    std::ranges::sort(sorted);
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(count)));
    return static_cast<double>(sorted[std::max<size_t>(rank, 1) - 1]) / microsecond_ns;
  }
};

}  // namespace hilo
