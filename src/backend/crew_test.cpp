#include "backend/crew.h"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace hilo {
namespace {

TEST(Crew, AMemberOfNoCrewDoesAllItself) {
  std::vector<size_t> done;
  Crew::Member alone;
  alone.share(3, [&](size_t item) { done.push_back(item); });
  alone.share(0, [&](size_t item) { done.push_back(item); });
  EXPECT_EQ(done, (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(alone.parts(), 1U);
}

TEST(Crew, NobodyJoinsWhatIsNotOpen) {
  Crew crew{4};
  EXPECT_FALSE(crew.join());
  crew.wait_until_alone();
  static_cast<void>(crew.open());
  EXPECT_TRUE(crew.join());
  crew.leave();
  crew.close();
  EXPECT_FALSE(crew.join());
  crew.wait_until_alone();
}

// Fails if items run over into the number of the step: 64 texts of 16,384 heads each make a
// million.
TEST(Crew, AStepMayHaveAMillionItems) {
  constexpr size_t items = 64 * 16'384;
  Crew crew{2};
  Crew::Member leader = crew.open();
  size_t sum = 0;
  for (int step = 0; step < 2; ++step) leader.share(items, [&](size_t item) { sum += item; });
  EXPECT_EQ(sum, items * (items - 1));
}

// Goal: who comes late finds the steps done that it has missed, and works from there on. Method:
// one thread plays both members, the leader two steps ahead.
TEST(Crew, WhoComesLateGoesOnFromWhereTheOthersAre) {
  Crew crew{4};
  Crew::Member leader = crew.open();
  std::optional<Crew::Member> late = crew.join();
  int by_leader = 0;
  int by_late = 0;
  for (int step = 0; step < 2; ++step) leader.share(5, [&](size_t) { ++by_leader; });
  for (int step = 0; step < 2; ++step) late->share(5, [&](size_t) { ++by_late; });
  EXPECT_EQ(by_leader, 10);
  EXPECT_EQ(by_late, 0);
  late->share(1, [&](size_t) { ++by_late; });
  EXPECT_EQ(by_late, 1);
  leader.share(1, [&](size_t) { ++by_leader; });
  EXPECT_EQ(by_leader, 10);
}

// Goal: every item is done exactly once, and each step sees all that the one before has written.
// Method: a sum that goes back and forth between two arrays, in many runs, with members that come
// and go as the system lets them. (Under the thread sanitizer: without a race.)
TEST(Crew, StepsFollowEachOtherWhoeverDoesThem) {
  constexpr size_t items = 16;
  constexpr int steps = 20;
  constexpr int runs = 200;
  std::array<std::array<uint64_t, items>, 2> numbers{};
  Crew crew{4};
  const auto walk = [&](Crew::Member& member) {
    for (size_t step = 0; step < steps; ++step) {
      const auto& from = numbers[step % 2];
      auto& to = numbers[1 - step % 2];
      member.share(items, [&](size_t item) { to[item] = from[item] + from[(item + 1) % items]; });
    }
  };
  std::atomic<bool> stopping = false;
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      while (!stopping) {
        if (std::optional<Crew::Member> member = crew.join()) {
          walk(*member);
          crew.leave();
        }
        std::this_thread::yield();
      }
    });
  }
  for (int run = 0; run < runs; ++run) {
    crew.wait_until_alone();
    numbers[0].fill(1);
    Crew::Member leader = crew.open();
    walk(leader);
    crew.close();
    // Each step doubles all numbers.
    for (const uint64_t number : numbers[steps % 2]) ASSERT_EQ(number, uint64_t{1} << steps);
  }
  stopping = true;
  for (std::thread& other : others) other.join();
}

}  // namespace
}  // namespace hilo
