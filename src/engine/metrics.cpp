#include "engine/metrics.h"

#include <algorithm>

namespace hilo {

void StopMeter::stopped(Instant from, Instant until) {
  stop_ns_.record(static_cast<uint64_t>(until - from));
  if (trace_ != nullptr) trace_->records.add({.activity = Activity::stop, .times = {from, until}});
}

void Metrics::begin_session(uint32_t client, uint64_t session_id) {
  ClientMetrics& metrics = clients_[client];
  for (Counter* const counter : {&metrics.open, &metrics.texts, &metrics.tokens}) counter->set(0);
  metrics.session.set(session_id + 1);
}

void Metrics::tell_oldest(Lane lane) {
  const OldestFirst& open = open_[lane_index(lane)];
  const Instant oldest = open.empty() ? Instant{} : open.oldest();
  of(lane).oldest_admitted_ns.set(static_cast<uint64_t>(oldest.ns));
}

void Metrics::admitted(TaskId id, const Task& task) {
  LaneMetrics& lane = of(task.lane);
  lane.admitted.add(1);
  lane.waiting.add(1);
  clients_[task.client].open.add(1);
  open_[lane_index(task.lane)].add(id, task.admitted);
  tell_oldest(task.lane);
}

void Metrics::refused(Lane lane, CompletionStatus status) {
  of(lane).completed[static_cast<size_t>(status)].add(1);
  of(lane).refused_at_once.add(1);
}

void Metrics::computed(const Plan& plan, uint32_t tokens, Nanoseconds device_time) {
  LaneMetrics& lane = of(plan.lane);
  lane.batches.add(1);
  lane.device_ns.add(static_cast<uint64_t>(device_time));
  lane.batch_texts.record(plan.count);
  lane.batch_tokens.record(tokens);
}

void Metrics::completed(TaskId id, const Task& task, CompletionStatus status, Instant now) {
  LaneMetrics& lane = of(task.lane);
  ClientMetrics& client = clients_[task.client];
  if (task.stage == Task::Stage::queued) subtract(lane.waiting, 1);
  subtract(client.open, 1);
  open_[lane_index(task.lane)].remove(id);
  tell_oldest(task.lane);
  if (trace_ != nullptr) trace_->add_task(task, status, now);
  lane.completed[static_cast<size_t>(status)].add(1);
  if (status != CompletionStatus::ok) return;
  lane.tokens.add(task.tokens);
  client.texts.add(1);
  client.tokens.add(task.tokens);
  record_stages(task, now);
}

void Metrics::record_stages(const Task& task, Instant now) {
  const auto bounds = stage_bounds(task.admitted, task.tokenized, task.computed, now);
  auto& stages = of(task.lane).stage_ns;
  const auto record = [&](size_t stage, Nanoseconds duration) {
    stages[stage].record(static_cast<uint64_t>(std::max<Nanoseconds>(duration, 0)));
  };
  for (size_t stage = 0; stage + 1 < bounds.size(); ++stage)
    record(stage, bounds[stage + 1] - bounds[stage]);
  record(static_cast<size_t>(Stage::whole), bounds.back() - bounds.front());
}

}  // namespace hilo
