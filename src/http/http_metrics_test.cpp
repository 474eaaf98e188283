// What is counted of a request, and what becomes of the engine's numbers.
#include "http/http_metrics.h"

#include <gtest/gtest.h>

#include "http/engine_metrics.h"
#include "http/metric_families.h"
#include "http/openai.h"

namespace hilo::http {
namespace {

RequestRecord answered(const Route* route, std::optional<Lane> lane) {
  return {.route = route,
          .status = 200,
          .lane = lane,
          .texts = 3,
          .tokens = 12,
          .begun = {1000},
          .received = {2000},
          .parsed = {4000},
          .computed = {1'004'000},
          .written = {1'004'500},
          .sent = {1'005'000}};
}

TEST(HttpMetrics, CountsARequestOnceInEachPlace) {
  const std::vector<Route> routes = openai_routes();
  HttpMetrics metrics{routes};
  metrics.count(answered(&routes[1], Lane::low));
  RequestRecord refused = answered(&routes[1], Lane::low);
  refused.status = 429;
  metrics.count(refused);

  const RouteMetrics& route = metrics.routes()[1];
  EXPECT_EQ(route.path, routes[1].path);
  uint64_t requests = 0;
  for (const RouteMetrics& any : metrics.routes())
    for (const auto& statuses : any.requests)
      for (const Counter& counter : statuses) requests += counter.get();
  EXPECT_EQ(requests, 2U);
  EXPECT_EQ(route.whole_ns[1].counts().sum(), 2 * 1'004'000U);

  const HttpLaneMetrics& low = metrics.lane(label_of(Lane::low));
  EXPECT_EQ(low.texts.get(), 3U) << "those of a refused request were not answered";
  EXPECT_EQ(low.tokens.get(), 12U);
  EXPECT_EQ(low.refused.get(), 1U);
  EXPECT_EQ(low.stage_ns[2].counts().sum(), 2 * 1'000'000U);
}

TEST(HttpMetrics, WhatMatchesNoRouteIsCountedToo) {
  const std::vector<Route> routes = openai_routes();
  HttpMetrics metrics{routes};
  RequestRecord broken = answered(nullptr, std::nullopt);
  broken.status = 299;
  metrics.count(broken);
  const RouteMetrics& none = metrics.routes().back();
  EXPECT_EQ(none.path, "");
  EXPECT_EQ(none.requests[label_of(std::nullopt)].back().get(), 1U);
}

const prometheus::MetricFamily* find(const MetricFamilies& families, std::string_view name) {
  for (const auto& family : families)
    if (family.name == name) return &family;
  return nullptr;
}

TEST(EngineMetrics, AreTheEnginesNumbersInSeconds) {
  MetricFamilies families;
  add_engine_metrics(families, R"({"bounds_ns": [1000, 1000000], "lanes": {"high": {
      "cpu_ns": 1500000000, "completed": {"ok": 5, "refused": 2},
      "stage_histograms": {"queue": {"count": 5, "sum": 2000000000, "up_to": [3, 4]}}}}})");
  const auto* const cpu = find(families, "hilo_engine_cpu_seconds_total");
  ASSERT_NE(cpu, nullptr);
  EXPECT_DOUBLE_EQ(cpu->metric.at(0).counter.value, 1.5);
  const auto* const stages = find(families, "hilo_engine_stage_seconds");
  ASSERT_NE(stages, nullptr);
  ASSERT_EQ(stages->metric.size(), 1U);
  const auto& queue = stages->metric[0].histogram;
  EXPECT_EQ(queue.sample_count, 5U);
  EXPECT_DOUBLE_EQ(queue.sample_sum, 2.0);
  ASSERT_EQ(queue.bucket.size(), 2U);
  EXPECT_EQ(queue.bucket[1].cumulative_count, 4U);
  EXPECT_DOUBLE_EQ(queue.bucket[1].upper_bound, 0.001);
  EXPECT_EQ(find(families, "hilo_engine_texts_completed_total")->metric.size(), 2U);
}

// Fails if an answer that is none, or of another shape, is more than a metric that says so.
TEST(EngineMetrics, BearAnyAnswer) {
  for (const char* const none : {"", "{", "[]", "3"}) {
    MetricFamilies families;
    add_engine_metrics(families, none);
    ASSERT_EQ(families.size(), 1U) << none;
    EXPECT_EQ(families[0].name, "hilo_engine_up");
    EXPECT_EQ(families[0].metric.at(0).gauge.value, 0.0);
  }
  for (const char* const odd :
       {"{}", R"({"lanes": 3, "memory": [], "bounds_ns": "x", "clients": null})",
        R"({"lanes": {"high": [1], "low": {"completed": {"ok": "x"}, "stage_histograms":
            {"queue": 7, "whole": {"up_to": [1], "count": -1}}}}, "bounds_ns": [-1, 2.5]})"}) {
    MetricFamilies families;
    add_engine_metrics(families, odd);
    EXPECT_EQ(find(families, "hilo_engine_up")->metric.at(0).gauge.value, 1.0) << odd;
  }
}

}  // namespace
}  // namespace hilo::http
