// The two priority classes. A user waits for HIGH; LOW fills what HIGH leaves.
#pragma once

#include <cstdint>

namespace hilo {

enum class Lane : uint32_t { high = 0, low = 1 };

inline constexpr uint32_t lane_count = 2;
inline constexpr const char* lane_name(Lane lane) { return lane == Lane::high ? "high" : "low"; }
inline constexpr uint32_t lane_index(Lane lane) { return static_cast<uint32_t>(lane); }

// What a channel may use. `any` is for gateways and private engines, which choose for each task.
enum class LaneRights : uint32_t { high = 0, low = 1, any = 2 };

// The lane a task really gets. A task may lower its own priority, never raise it.
inline constexpr Lane granted_lane(LaneRights rights, Lane asked) {
  return rights == LaneRights::low ? Lane::low : asked;
}

}  // namespace hilo
