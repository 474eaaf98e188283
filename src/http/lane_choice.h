// Which lane a request goes to: a pure function of all that has a say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace hilo::http {

enum class Lane : uint8_t { high, low };
inline constexpr size_t lane_count = 2;
inline constexpr size_t index_of(Lane lane) { return static_cast<size_t>(lane); }
const char* name_of(Lane lane);  // "HIGH", "LOW"

// `automatic` means that the number of texts decides.
enum class LaneWish : uint8_t { high, low, automatic };
// "high", "low" or "auto", in any case.
std::optional<LaneWish> lane_wish_of(std::string_view word);

// What whoever sent the request may use, and gets without asking.
struct LanePolicy {
  LaneWish otherwise = LaneWish::automatic;
  Lane lane_max = Lane::high;
};

struct LaneQuestion {
  std::optional<LaneWish> path = {};    // the base URL /high or /low
  std::optional<LaneWish> header = {};  // X-Hilo-Lane
  std::optional<LaneWish> body = {};    // the field `priority`
  LanePolicy caller = {};
  bool high_offered = true;  // by the engine's socket
  bool low_offered = true;
  size_t texts = 1;
  size_t automatic_high_texts_max = 4;
};

enum class NoLane { contradiction, above_maximum, not_offered };
// A sentence for the client.
const char* describe(NoLane reason);

// Places that say high or low must agree; `automatic` leaves the word to the others, but not to
// the caller's default.
Result<Lane, NoLane> choose_lane(const LaneQuestion& question);

}  // namespace hilo::http
