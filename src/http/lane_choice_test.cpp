#include "http/lane_choice.h"

#include <gtest/gtest.h>

namespace hilo::http {
namespace {

constexpr auto high = LaneWish::high;
constexpr auto low = LaneWish::low;
constexpr auto any = LaneWish::automatic;

// Goal: every place that may name a lane has its say, and no combination is undefined. Method: a
// table of questions, most of them with two texts, which `auto` makes HIGH.
TEST(ChooseLane, Table) {
  struct Row {
    const char* rule;
    LaneQuestion question;
    std::optional<Lane> lane;
    NoLane refusal = NoLane::contradiction;
  };
  const LanePolicy otherwise_low{.otherwise = low};
  const LanePolicy low_at_most{.lane_max = Lane::low};
  const LanePolicy high_otherwise_low_at_most{.otherwise = high, .lane_max = Lane::low};
  const Row rows[] = {
      {"four texts are few", {.texts = 4}, Lane::high},
      {"five are bulk", {.texts = 5}, Lane::low},
      {"the border can be moved", {.texts = 5, .automatic_high_texts_max = 5}, Lane::high},
      {"the URL decides", {.path = low, .texts = 1}, Lane::low},
      {"the header decides", {.header = low, .texts = 1}, Lane::low},
      {"the body decides", {.body = high, .texts = 99}, Lane::high},
      {"they may agree", {.path = low, .header = low, .body = low}, Lane::low},
      {"URL against header", {.path = high, .header = low}, {}},
      {"URL against body", {.path = low, .body = high}, {}},
      {"header against body", {.header = high, .body = low}, {}},
      {"auto leaves it to the URL", {.path = low, .header = any}, Lane::low},
      {"auto leaves it to the body", {.header = any, .body = low}, Lane::low},
      {"a key's default", {.caller = otherwise_low, .texts = 1}, Lane::low},
      {"is passed over by a wish", {.path = high, .caller = otherwise_low}, Lane::high},
      {"and by auto", {.header = any, .caller = otherwise_low, .texts = 1}, Lane::high},
      {"a key's maximum lowers auto", {.caller = low_at_most, .texts = 1}, Lane::low},
      {"and refuses a wish", {.path = high, .caller = low_at_most}, {}, NoLane::above_maximum},
      {"and a default", {.caller = high_otherwise_low_at_most}, {}, NoLane::above_maximum},
      {"no HIGH offered: auto takes LOW", {.high_offered = false}, Lane::low},
      {"no LOW offered: auto takes HIGH", {.low_offered = false, .texts = 99}, Lane::high},
      {"a wish is not lowered", {.path = high, .high_offered = false}, {}, NoLane::not_offered},
      {"nor raised", {.path = low, .low_offered = false}, {}, NoLane::not_offered},
      {"nothing usable", {.caller = low_at_most, .low_offered = false}, {}, NoLane::not_offered},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule);
    const auto lane = choose_lane(row.question);
    ASSERT_EQ(lane.ok(), row.lane.has_value());
    if (lane)
      EXPECT_EQ(*lane, *row.lane);
    else
      EXPECT_EQ(lane.error(), row.refusal);
  }
}

TEST(LaneWish, KnowsThreeWords) {
  EXPECT_EQ(lane_wish_of("HIGH"), high);
  EXPECT_EQ(lane_wish_of("low"), low);
  EXPECT_EQ(lane_wish_of("Auto"), any);
  EXPECT_FALSE(lane_wish_of("urgent"));
  EXPECT_FALSE(lane_wish_of(""));
}

}  // namespace
}  // namespace hilo::http
