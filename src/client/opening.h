// How a client comes to its channel: inherited from `hilo run`, by connecting to a socket path, or
// over a descriptor that is connected already. All three end with both regions mapped.
//
// Threads: any. Blocks until the engine answers, at most opening_wait_max.
#pragma once

#include <string>

#include <hilo/hilo.h>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "channel/region.h"
#include "protocol/lane.h"

namespace hilo {

inline constexpr Nanoseconds opening_wait_max = 10 * second_ns;

struct OpenChannel {
  UniqueFd socket;
  UniqueFd doorbell;
  Mapping client_region;
  Mapping engine_region;
  LaneRights rights = LaneRights::high;
  uint32_t dims = 0;
  uint32_t tokens_max = 0;
};

struct OpenError {
  hilo_status status;
  std::string message;
};

using Opening = Result<OpenChannel, OpenError>;

Opening open_inherited();
Opening open_path(const char* path_or_null, LaneRights rights);
Opening open_connected(UniqueFd socket, LaneRights rights);

}  // namespace hilo
