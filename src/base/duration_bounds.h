// Where distributions of durations are cut for readers that want a few round bounds: Prometheus.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"

namespace hilo {

// From tokenizing a few words to what nobody waits for any more.
inline constexpr std::array<uint64_t, 21> duration_bounds_ns{
    10 * microsecond_ns,  20 * microsecond_ns,  50 * microsecond_ns,  100 * microsecond_ns,
    200 * microsecond_ns, 500 * microsecond_ns, 1 * millisecond_ns,   2 * millisecond_ns,
    5 * millisecond_ns,   10 * millisecond_ns,  20 * millisecond_ns,  50 * millisecond_ns,
    100 * millisecond_ns, 200 * millisecond_ns, 500 * millisecond_ns, 1 * second_ns,
    2 * second_ns,        5 * second_ns,        10 * second_ns,       30 * second_ns,
    60 * second_ns};

}  // namespace hilo
