#include "http/engine_metrics.h"

#include <array>

#include <nlohmann/json.hpp>

namespace hilo::http {
namespace {

using nlohmann::json;

constexpr std::array lanes{"high", "low"};

// One number of each lane.
struct LaneNumber {
  const char* metric;
  const char* help;
  const char* field;
  double unit = 1;
};
constexpr double ns = 1e-9;
constexpr std::array<LaneNumber, 6> lane_counters{
    {{"hilo_engine_texts_admitted_total", "Texts that the engine let in.", "admitted"},
     {"hilo_engine_texts_refused_total", "Texts that the engine did not let in.",
      "refused_at_once"},
     {"hilo_engine_tokens_total", "Tokens of texts that were computed.", "tokens"},
     {"hilo_engine_batches_total", "Batches that were computed.", "batches"},
     {"hilo_engine_cpu_seconds_total", "Processor time of the lane's workers.", "cpu_ns", ns},
     {"hilo_engine_stopped_seconds_total", "Time in which LOW workers stood aside for HIGH.",
      "stopped_ns", ns}}};
constexpr std::array<LaneNumber, 3> lane_gauges{
    {{"hilo_engine_texts_open", "Texts admitted and not completed.", "open"},
     {"hilo_engine_texts_waiting", "Texts for which no worker has been found yet.", "waiting"},
     {"hilo_engine_oldest_text_seconds", "How long ago the oldest open text was admitted.",
      "oldest_ns", ns}}};

const json& member(const json& object, const char* name) {
  static const json none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

double number(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_number() ? value.get<double>() : 0;
}

uint64_t count(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_number_unsigned() ? value.get<uint64_t>() : 0;
}

std::string text(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : "";
}

std::vector<uint64_t> numbers(const json& object, const char* name) {
  std::vector<uint64_t> list;
  for (const json& value : member(object, name))
    list.push_back(value.is_number_unsigned() ? value.get<uint64_t>() : 0);
  return list;
}

void add_lanes(MetricFamilies& families, MetricFamily family, const LaneNumber& of,
               const json& told) {
  for (const char* const lane : lanes)
    family.add({{"lane", lane}}, number(member(told, lane), of.field) * of.unit);
  family.end(families);
}

void add_completed(MetricFamilies& families, const json& told) {
  auto family = MetricFamily::counter("hilo_engine_texts_completed_total",
                                      "Texts by how they ended in the engine.");
  for (const char* const lane : lanes)
    for (const auto& [status, texts] : member(member(told, lane), "completed").items())
      if (texts.is_number()) family.add({{"lane", lane}, {"status", status}}, texts.get<double>());
  family.end(families);
}

void add_stages(MetricFamilies& families, const json& told,
                const std::vector<uint64_t>& bounds_ns) {
  auto family = MetricFamily::durations("hilo_engine_stage_seconds",
                                        "Time of texts in each stage of the engine.");
  for (const char* const lane : lanes)
    for (const auto& [stage, counts] : member(member(told, lane), "stage_histograms").items()) {
      DurationCounts durations{count(counts, "count"), count(counts, "sum"),
                               numbers(counts, "up_to")};
      if (durations.up_to.size() == bounds_ns.size())
        family.add({{"lane", lane}, {"stage", stage}}, durations, bounds_ns);
    }
  family.end(families);
}

void add_whole(MetricFamilies& families, const json& told) {
  const auto gauge = [&families](const char* name, const char* help, double value) {
    MetricFamily::gauge(name, help).add({}, value).end(families);
  };
  const json& memory = member(told, "memory");
  MetricFamily::gauge("hilo_engine_info", "Which engine this is.")
      .add({{"version", text(told, "hilo")},
            {"model", text(told, "model")},
            {"backend", text(told, "backend")}},
           1.0)
      .end(families);
  gauge("hilo_engine_uptime_seconds", "Time since the engine was ready.",
        number(told, "uptime_ns") * ns);
  gauge("hilo_engine_memory_resident_bytes", "What the engine has of the machine's memory.",
        number(memory, "resident_bytes"));
  gauge("hilo_engine_memory_budget_bytes", "The most memory that the engine said it would use.",
        number(memory, "budget_bytes"));
  gauge("hilo_engine_clients", "Connected programs; this server is one for each lane.",
        static_cast<double>(member(told, "clients").size()));
}

}  // namespace

void add_engine_metrics(MetricFamilies& families, std::string_view answer) {
  const json told = json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const bool up = told.is_object();
  MetricFamily::gauge("hilo_engine_up", "Whether the engine told its numbers.")
      .add({}, up ? 1.0 : 0.0)
      .end(families);
  if (!up) return;
  add_whole(families, told);
  const json& by_lane = member(told, "lanes");
  for (const LaneNumber& of : lane_counters)
    add_lanes(families, MetricFamily::counter(of.metric, of.help), of, by_lane);
  for (const LaneNumber& of : lane_gauges)
    add_lanes(families, MetricFamily::gauge(of.metric, of.help), of, by_lane);
  add_completed(families, by_lane);
  add_stages(families, by_lane, numbers(told, "bounds_ns"));
}

}  // namespace hilo::http
