#include "scheduler/admission.h"

#include <algorithm>

#include "base/ensure.h"

namespace hilo {
namespace {

// Sooner is not worth asking again, and later says no more than "much later".
constexpr Nanoseconds retry_min = 10 * millisecond_ns;
constexpr Nanoseconds retry_max = 60 * second_ns;

}  // namespace

Admission::Admission(const Policy& policy, uint32_t cores) : cores_(cores) {
  ENSURE(cores > 0);
  for (size_t lane = 0; lane < lane_count; ++lane) work_max_[lane] = policy.work_max[lane] * cores;
}

std::optional<Nanoseconds> Admission::refuses(uint32_t client, Lane lane, Nanoseconds work) const {
  const size_t index = lane_index(lane);
  const Nanoseconds high = work_[lane_index(Lane::high)];
  const Nanoseconds ahead = lane == Lane::high ? high : high + work_[lane_index(Lane::low)];
  const Nanoseconds excess = ahead + work - work_max_[index];
  if (excess <= 0) return std::nullopt;
  const Nanoseconds own = work_of_client_[client][index];
  if (own == work_[index]) return std::nullopt;
  if (own == 0 || own + work <= work_max_[index] / clients_max) return std::nullopt;
  return std::clamp(excess / cores_, retry_min, retry_max);
}

void Admission::admitted(uint32_t client, Lane lane, Nanoseconds work) {
  work_[lane_index(lane)] += work;
  work_of_client_[client][lane_index(lane)] += work;
}

void Admission::completed(uint32_t client, Lane lane, Nanoseconds work) {
  work_[lane_index(lane)] -= work;
  work_of_client_[client][lane_index(lane)] -= work;
  ENSURE(work_of_client_[client][lane_index(lane)] >= 0);
}

Nanoseconds Admission::bound(Lane lane, Nanoseconds credits, Nanoseconds task) const {
  const Nanoseconds limit = work_max_[lane_index(lane)];
  return std::max(limit, credits) + std::max(limit, clients_max * task);
}

}  // namespace hilo
