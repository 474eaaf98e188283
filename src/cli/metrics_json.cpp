#include "cli/metrics_json.h"

#include <algorithm>
#include <fstream>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/duration_bounds.h"
#include "engine/metrics.h"

namespace hilo {
namespace {

using nlohmann::ordered_json;

// In the order of MetricsDetail.
constexpr std::array<std::string_view, 3> questions{"metrics", "metrics buckets",
                                                    "metrics histograms"};

ordered_json quantiles(const HistogramCounts& counts) {
  return {{"count", counts.count()},
          {"sum", counts.sum()},
          {"mean", static_cast<uint64_t>(counts.mean())},
          {"p50", counts.quantile(0.5)},
          {"p90", counts.quantile(0.9)},
          {"p99", counts.quantile(0.99)},
          {"p99.9", counts.quantile(0.999)},
          {"max", counts.max()}};
}

ordered_json buckets(const HistogramCounts& counts) {
  ordered_json pairs = ordered_json::array();
  for (const auto& [index, count] : counts.buckets()) pairs.push_back({index, count});
  return {{"sum", counts.sum()}, {"max", counts.max()}, {"counts", std::move(pairs)}};
}

ordered_json histogram(const HistogramCounts& counts) {
  return {{"count", counts.count()},
          {"sum", counts.sum()},
          {"up_to", counts.up_to(duration_bounds_ns)}};
}

ordered_json histograms(const LaneMetrics& lane) {
  ordered_json stages;
  for (size_t stage = 0; stage < stage_names.size(); ++stage)
    stages[stage_names[stage]] = histogram(lane.stage_ns[stage].counts());
  return stages;
}

// The lane's workers together.
struct LaneWork {
  Nanoseconds cpu_time = 0;
  HistogramCounts stop_ns;
};

LaneWork work_of(Lane lane, const std::vector<WorkerReport>& workers) {
  LaneWork work;
  for (const WorkerReport& worker : workers) {
    if (worker.lane != lane) continue;
    work.cpu_time += worker.cpu_time;
    work.stop_ns += worker.stop_ns;
  }
  return work;
}

ordered_json completions(const LaneMetrics& lane) {
  ordered_json by_status;
  for (size_t status = 0; status < lane.completed.size(); ++status)
    by_status[completion_names[status]] = lane.completed[status].get();
  return by_status;
}

// Admitted and not completed. It is counted from numbers that move on while they are read.
uint64_t open_texts(const LaneMetrics& lane) {
  uint64_t over = 0;
  for (const Counter& completed : lane.completed) over += completed.get();
  const uint64_t begun = lane.admitted.get() + lane.refused_at_once.get();
  return begun > over ? begun - over : 0;
}

uint64_t age_of(uint64_t admitted_ns, Instant now) {
  const auto now_ns = static_cast<uint64_t>(now.ns);
  return admitted_ns == 0 || admitted_ns > now_ns ? 0 : now_ns - admitted_ns;
}

ordered_json lane_json(const LaneMetrics& lane, const LaneWork& work, Instant now,
                       MetricsDetail detail) {
  ordered_json stages;
  for (size_t stage = 0; stage < stage_names.size(); ++stage)
    stages[stage_names[stage]] = quantiles(lane.stage_ns[stage].counts());
  ordered_json answer{
      {"open", open_texts(lane)},
      {"waiting", lane.waiting.get()},
      {"oldest_ns", age_of(lane.oldest_admitted_ns.get(), now)},
      {"admitted", lane.admitted.get()},
      {"refused_at_once", lane.refused_at_once.get()},
      {"completed", completions(lane)},
      {"tokens", lane.tokens.get()},
      {"batches", lane.batches.get()},
      {"batch_texts", quantiles(lane.batch_texts.counts())},
      {"batch_tokens", quantiles(lane.batch_tokens.counts())},
      {"cpu_ns", work.cpu_time},
      {"device_ns", lane.device_ns.get()},
      {"stops_ns", quantiles(work.stop_ns)},
      {"stopped_ns", work.stop_ns.sum()},
      {"stages_ns", std::move(stages)},
  };
  if (detail == MetricsDetail::buckets)
    answer["whole_buckets"] = buckets(lane.stage_ns[static_cast<size_t>(Stage::whole)].counts());
  if (detail == MetricsDetail::histograms) answer["stage_histograms"] = histograms(lane);
  return answer;
}

const char* rights_name(LaneRights rights) {
  if (rights == LaneRights::any) return "any";
  return lane_name(rights == LaneRights::high ? Lane::high : Lane::low);
}

ordered_json clients_json(const Engine& engine) {
  ordered_json clients = ordered_json::array();
  for (const ClientReport& client : engine.client_reports())
    clients.push_back({{"id", client.session},
                       {"pid", client.peer.pid},
                       {"program", client.peer.program},
                       {"lane", rights_name(client.rights)},
                       {"open", client.texts_open},
                       {"texts", client.texts},
                       {"tokens", client.tokens}});
  return clients;
}

ordered_json workers_json(const std::vector<WorkerReport>& workers) {
  ordered_json list = ordered_json::array();
  for (const WorkerReport& worker : workers)
    list.push_back({{"lane", lane_name(worker.lane)},
                    {"core", worker.core},
                    {"device", worker.of_device},
                    {"cpu_ns", worker.cpu_time},
                    {"stops", worker.stop_ns.count()},
                    {"stopped_ns", worker.stop_ns.sum()}});
  return list;
}

uint64_t resident_bytes() {
  uint64_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages >> pages;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

ordered_json metrics_json(const Engine& engine, const EngineAbout& about, Instant now,
                          MetricsDetail detail) {
  const std::vector<WorkerReport> workers = engine.worker_reports();
  ordered_json lanes;
  for (const Lane lane : {Lane::high, Lane::low})
    lanes[lane_name(lane)] =
        lane_json(engine.metrics().lane(lane), work_of(lane, workers), now, detail);
  ordered_json answer{
      {"version", metrics_version},
      {"hilo", HILO_VERSION},
      {"pid", ::getpid()},
      {"model", about.model},
      {"backend", about.backend},
      {"socket", about.socket},
      {"now_ns", now.ns},
      {"uptime_ns", now - about.started},
      {"memory", {{"budget_bytes", about.budget_bytes}, {"resident_bytes", resident_bytes()}}},
      {"echoes", engine.metrics().echoes()},
      {"lanes", std::move(lanes)},
      {"workers", workers_json(workers)},
      {"clients", clients_json(engine)}};
  if (detail == MetricsDetail::histograms) answer["bounds_ns"] = duration_bounds_ns;
  return answer;
}

// A program's name may be any bytes.
std::string text_of(const ordered_json& answer) {
  return answer.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string EngineAnswers::to(std::string_view question, Instant now) {
  const auto* const asked = std::ranges::find(questions, question);
  if (asked == questions.end())
    return text_of({{"version", metrics_version},
                    {"error", "ask for metrics, metrics buckets or metrics histograms"}});
  const auto detail = static_cast<size_t>(asked - questions.begin());
  return texts_[detail].at(now, [&] {
    return text_of(metrics_json(engine_, about_, now, static_cast<MetricsDetail>(detail)));
  });
}

}  // namespace hilo
