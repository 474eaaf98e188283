// What hilo's own headers say, and others that every route obeys. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "http/lane_choice.h"
#include "http/problem.h"
#include "http/request.h"

namespace hilo::http {

// X-Hilo-Timeout-Ms: how long the texts may wait; none if it sets no limit.
Outcome<std::optional<uint32_t>> read_timeout_ms(const Request& request);
// X-Hilo-Lane
Outcome<std::optional<LaneWish>> read_lane(const Request& request);

// Whether the body has to be unpacked, or a problem with how it is packed.
Outcome<bool> is_packed(const Request& request);
// Replaces a packed body by what is in it.
Outcome<void> unpack(Request& request, size_t bytes_max);

Problem no_such_route(const Request& request);

}  // namespace hilo::http
