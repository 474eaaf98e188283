// How long a plan will take, learned from how long plans took. A table of plan sizes and lengths of
// the longest text in them, for each lane and kind of work: small batches take longer a token, and
// so do long texts. A cell holds a factor on a built-in guess; one that has seen nothing yet goes
// by the nearest that has.
//
// A single odd measurement cannot spoil it: after the first, each moves its cell by at most
// 2^(1/2), and from the eighth on by 2^(1/8). Plain data: no clock, no thread, no allocation.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "protocol/lane.h"

namespace hilo {

enum class Work : uint32_t { tokenize, encode };

// What the time of a plan depends on. Sizes are bytes for tokenizing, tokens for encoding.
struct PlanSize {
  uint32_t total = 0;
  uint32_t longest = 0;  // the longest text

  PlanSize with(uint32_t text) const {
    return {.total = total + text, .longest = text > longest ? text : longest};
  }
};

class CostModel {
 public:
  Nanoseconds predict(Lane lane, Work work, PlanSize size) const;
  // A plan of that size took so long, not counting the time that it had to stand aside.
  void learn(Lane lane, Work work, PlanSize size, Nanoseconds took);

 private:
  // Powers of two, up to what the longest text and the longest prompt have together.
  static constexpr uint32_t buckets = 20;
  static constexpr uint16_t nobody = UINT16_MAX;
  struct Cell {
    float factor = 1;  // on the guess
    uint16_t seen = 0;
    uint16_t teacher = nobody;  // the nearest cell that has seen something
  };
  using Table = std::array<Cell, size_t{buckets} * buckets>;

  static uint16_t cell_of(PlanSize size);
  static void become_a_teacher(Table& table, uint16_t cell);

  std::array<std::array<Table, 2>, lane_count> tables_;
};

}  // namespace hilo
