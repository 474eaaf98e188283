#include "cli/top/history.h"

namespace hilo {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double mean(const CountAndSum& older, const CountAndSum& newer) {
  return ratio(static_cast<double>(newer.sum - older.sum),
               static_cast<double>(newer.count - older.count));
}

}  // namespace

LaneFigures figures_between(const Snapshot& older, const Snapshot& newer, Lane lane) {
  const LaneNumbers& from = older.lane(lane);
  const LaneNumbers& to = newer.lane(lane);
  const auto passed_ns = static_cast<double>(newer.now - older.now);
  const double core_ns = passed_ns * static_cast<double>(newer.cores);
  const auto share = [&](uint64_t before, uint64_t after) {
    return ratio(static_cast<double>(after - before), core_ns);
  };
  const auto rate = [&](uint64_t before, uint64_t after) {
    return ratio(static_cast<double>(after - before) * static_cast<double>(second_ns), passed_ns);
  };
  LaneFigures figures{
      .texts_per_s = rate(from.ok, to.ok),
      .tokens_per_s = rate(from.tokens, to.tokens),
      .compute_share = newer.has_device
                           ? ratio(static_cast<double>(to.device_ns - from.device_ns), passed_ns)
                           : share(from.cpu_ns, to.cpu_ns),
      .stops_per_s = rate(from.stops, to.stops),
      .stopped_share = share(from.stopped_ns, to.stopped_ns),
      .texts_per_batch = mean(from.batch_texts, to.batch_texts),
      .tokens_per_batch = mean(from.batch_tokens, to.batch_tokens),
      .whole = to.whole.since(from.whole)};
  for (size_t stage = 0; stage < stages_shown.size(); ++stage)
    figures.stage_ns[stage] = mean(from.stages[stage], to.stages[stage]);
  return figures;
}

void History::add(Snapshot snapshot) {
  if (!snapshots_.empty() &&
      (snapshots_.back().pid != snapshot.pid || snapshots_.back().uptime > snapshot.uptime))
    snapshots_.clear();
  snapshots_.push_back(std::move(snapshot));
  if (snapshots_.size() > snapshots_max) snapshots_.pop_front();
}

const Snapshot& History::before(Nanoseconds age) const {
  for (size_t i = snapshots_.size(); i-- > 0;)
    if (newest().now - snapshots_[i].now >= age) return snapshots_[i];
  return snapshots_.front();
}

}  // namespace hilo
