#include "http/lane_choice.h"

#include <array>

#include "http/request.h"

namespace hilo::http {

const char* name_of(Lane lane) { return lane == Lane::high ? "HIGH" : "LOW"; }

std::optional<LaneWish> lane_wish_of(std::string_view word) {
  if (same_ignoring_case(word, "high")) return LaneWish::high;
  if (same_ignoring_case(word, "low")) return LaneWish::low;
  if (same_ignoring_case(word, "auto")) return LaneWish::automatic;
  return std::nullopt;
}

const char* describe(NoLane reason) {
  switch (reason) {
    case NoLane::contradiction:
      return "The base URL, the header X-Hilo-Lane and the field 'priority' name different lanes.";
    case NoLane::above_maximum:
      return "This API key may not use the lane HIGH.";
    case NoLane::not_offered:
      return "The engine does not offer the lane that the request asks for.";
  }
  ENSURE(false);
}

Result<Lane, NoLane> choose_lane(const LaneQuestion& question) {
  std::optional<LaneWish> wish;
  for (const auto& said : std::array{question.path, question.header, question.body}) {
    if (!said || (wish && *said == LaneWish::automatic)) continue;
    if (wish && *wish != LaneWish::automatic && *wish != *said) return NoLane::contradiction;
    wish = said;
  }
  const LaneWish decided = wish.value_or(question.caller.otherwise);
  if (decided == LaneWish::high) {
    if (question.caller.lane_max == Lane::low) return NoLane::above_maximum;
    if (!question.high_offered) return NoLane::not_offered;
    return Lane::high;
  }
  if (decided == LaneWish::low) {
    if (!question.low_offered) return NoLane::not_offered;
    return Lane::low;
  }
  const bool high_usable = question.high_offered && question.caller.lane_max == Lane::high;
  if (!high_usable && !question.low_offered) return NoLane::not_offered;
  const bool high = question.texts <= question.automatic_high_texts_max;
  return high_usable && (high || !question.low_offered) ? Lane::high : Lane::low;
}

}  // namespace hilo::http
