#include "engine/trace.h"

#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hilo {
namespace {

using nlohmann::json;

Task computed(Lane lane, Nanoseconds admitted) {
  return {.client = 1,
          .lane = lane,
          .admitted = {admitted},
          .tokenized = {.begun = {admitted + 1'000}, .ended = {admitted + 2'000}},
          .computed = {.begun = {admitted + 2'000}, .ended = {admitted + 9'000}},
          .tokens = 5};
}

std::vector<json> events_of(const json& file, const std::string& phases) {
  std::vector<json> events;
  for (const json& event : file["traceEvents"])
    if (phases.find(event["ph"].get<std::string>()) != std::string::npos) events.push_back(event);
  return events;
}

// Fails if events are out of order, or a stage does not lie within its text.
TEST(Trace, TextsAndTheirStagesNestInOrder) {
  Trace trace;
  trace.add_task(computed(Lane::high, 5'000), CompletionStatus::ok, {20'000});
  trace.add_task(computed(Lane::low, 1'000), CompletionStatus::ok, {30'000});
  const json file = json::parse(trace.json());
  std::map<int, std::vector<std::string>> open;
  double last = 0;
  for (const json& event : events_of(file, "be")) {
    EXPECT_GE(event["ts"], last);
    last = event["ts"];
    std::vector<std::string>& names = open[event["id"].get<int>()];
    if (event["ph"] == "b") {
      names.push_back(event["name"]);
      EXPECT_LE(names.size(), 2U);
    } else {
      ASSERT_FALSE(names.empty());
      EXPECT_EQ(names.back(), event["name"].get<std::string>());
      names.pop_back();
    }
  }
  EXPECT_EQ(open.size(), 2U);
  for (const auto& [id, names] : open) EXPECT_TRUE(names.empty());
  EXPECT_EQ(events_of(file, "b").size(), 12U);
}

TEST(Trace, ATextThatWasNotComputedHasNoStages) {
  Trace trace;
  trace.add_task({.lane = Lane::low, .admitted = {1'000}}, CompletionStatus::expired, {4'000});
  const std::vector<json> events = events_of(json::parse(trace.json()), "be");
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["name"].get<std::string>(), "client 0, 0 tokens, expired");
  EXPECT_EQ(events[1]["ts"], 4.0);
}

// Fails if a stop is not drawn inside the plan that it interrupted.
TEST(Trace, AWorkersStopLiesWithinItsPlan) {
  Trace trace;
  WorkerTrace& worker = trace.add_worker("low worker of core 0");
  worker.records.add({.activity = Activity::stop, .times = {{5'000}, {6'000}}});
  worker.records.add({.activity = Activity::encode, .texts = 3, .times = {{5'000}, {9'000}}});
  const json file = json::parse(trace.json());
  const std::vector<json> events = events_of(file, "X");
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["name"].get<std::string>(), "encode");
  EXPECT_EQ(events[0]["args"]["texts"], 3);
  EXPECT_EQ(events[1]["name"].get<std::string>(), "stopped at the gate");
  EXPECT_EQ(events_of(file, "M").back()["args"]["name"].get<std::string>(), "low worker of core 0");
}

// Fails if memory grows with the run, or the file hides that its beginning is missing.
TEST(Trace, TheLastOnesStayAndTheLostAreCounted) {
  constexpr size_t kept = 100;
  Trace trace{kept};
  for (size_t text = 0; text < kept + 10; ++text)
    trace.add_task({.lane = Lane::low, .admitted = {static_cast<Nanoseconds>(text) * 1'000}},
                   CompletionStatus::cancelled, {static_cast<Nanoseconds>(text) * 1'000});
  const json file = json::parse(trace.json());
  EXPECT_EQ(file["otherData"]["texts_lost"], 10);
  const std::vector<json> begins = events_of(file, "b");
  EXPECT_EQ(begins.size(), kept);
  EXPECT_EQ(begins.front()["ts"], 10.0);
}

}  // namespace
}  // namespace hilo
