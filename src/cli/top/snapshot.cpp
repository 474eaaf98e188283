#include "cli/top/snapshot.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/metrics_json.h"

namespace hilo {
namespace {

using nlohmann::json;

CountAndSum count_and_sum(const json& distribution) {
  return {.count = distribution.at("count"), .sum = distribution.at("sum")};
}

// Buckets of an engine whose histograms are larger than ours are left out.
HistogramCounts histogram(const json& buckets) {
  std::vector<HistogramCounts::Bucket> counts;
  for (const json& pair : buckets.at("counts"))
    if (const uint32_t index = pair.at(0); index < Histogram::bucket_count)
      counts.push_back({.index = index, .count = pair.at(1)});
  return HistogramCounts::from(counts, buckets.at("sum"), buckets.at("max"));
}

LaneNumbers lane_numbers(const json& lane) {
  const json& completed = lane.at("completed");
  LaneNumbers numbers{.open = lane.at("open"),
                      .waiting = lane.at("waiting"),
                      .oldest_ns = lane.at("oldest_ns"),
                      .ok = completed.at("ok"),
                      .refused = completed.at("refused"),
                      .expired = completed.at("expired"),
                      .cancelled = completed.at("cancelled"),
                      .tokens = lane.at("tokens"),
                      .batch_texts = count_and_sum(lane.at("batch_texts")),
                      .batch_tokens = count_and_sum(lane.at("batch_tokens")),
                      .cpu_ns = lane.at("cpu_ns"),
                      .device_ns = lane.at("device_ns"),
                      .stops = lane.at("stops_ns").at("count"),
                      .stopped_ns = lane.at("stopped_ns"),
                      .stages = {},
                      .whole = histogram(lane.at("whole_buckets"))};
  for (size_t stage = 0; stage < stages_shown.size(); ++stage)
    numbers.stages[stage] = count_and_sum(lane.at("stages_ns").at(stages_shown[stage]));
  return numbers;
}

ClientNumbers client_numbers(const json& client) {
  return {.id = client.at("id"),
          .pid = client.at("pid"),
          .program = client.at("program"),
          .lane = client.at("lane"),
          .open = client.at("open"),
          .texts = client.at("texts"),
          .tokens = client.at("tokens")};
}

Snapshot snapshot_of(const json& answer) {
  Snapshot snapshot{.pid = answer.at("pid"),
                    .hilo = answer.at("hilo"),
                    .model = answer.at("model"),
                    .backend = answer.at("backend"),
                    .socket = answer.at("socket"),
                    .now = {answer.at("now_ns")},
                    .uptime = answer.at("uptime_ns"),
                    .budget_bytes = answer.at("memory").at("budget_bytes"),
                    .resident_bytes = answer.at("memory").at("resident_bytes")};
  for (const Lane lane : {Lane::high, Lane::low})
    snapshot.lanes[lane_index(lane)] = lane_numbers(answer.at("lanes").at(lane_name(lane)));
  for (const json& worker : answer.at("workers"))
    if (worker.at("device") == true)
      snapshot.has_device = true;
    else
      snapshot.cores = std::max<uint64_t>(snapshot.cores, worker.at("core").get<uint64_t>() + 1);
  for (const json& client : answer.at("clients"))
    snapshot.clients.push_back(client_numbers(client));
  return snapshot;
}

}  // namespace

Result<Snapshot> parse_snapshot(const std::string& answer) {
  try {
    const json parsed = json::parse(answer);
    if (const int version = parsed.at("version"); version != metrics_version)
      return Error{fmt::format(
          "The engine tells its numbers in version {}, and this program reads version {}: use the "
          "hilo that started the engine.",
          version, metrics_version)};
    return snapshot_of(parsed);
  } catch (const json::exception& wrong) {
    return Error{fmt::format("The engine's answer makes no sense: {}.", wrong.what())};
  }
}

}  // namespace hilo
