#include "device.h"

namespace hilo::simulation {

void ScriptedDevice::comes(const ScriptedWorker& worker, uint32_t tokens) {
  if (worker.lane() == Lane::high) {
    rules_.high_comes();
    launched_.push_back({&worker, tokens});
    return;
  }
  if (low_waits_.empty()) high_since_ = 0;
  rules_.low_waits();
  low_waits_.push_back({&worker, tokens});
}

void ScriptedDevice::launch_low(Instant now) {
  while (!low_waits_.empty() && rules_.low_may_launch(low_waits_.front().tokens, now)) {
    Batch batch = low_waits_.front();
    if (low_launched_now() > 1)
      violated("P8: more than a quantum of LOW and the next are launched");
    if (low_launched_now() > 0 && high_is_open())
      violated("P8: a quantum of LOW is launched behind another while HIGH is open");
    check_launch_of_low(batch.tokens);
    rules_.low_launches(batch.tokens, now);
    batch.launched = now;
    launched_.push_back(batch);
    low_waits_.pop_front();
  }
  if (!low_waits_.empty() && low_launched_now() == 0 && !high_is_open())
    violated("P4: LOW waits for a device that nobody else wants");
}

void ScriptedDevice::ends(Instant now) {
  const Batch batch = launched_.front();
  launched_.pop_front();
  const Nanoseconds took = now - std::max(batch.launched, ended_);
  ended_ = now;
  high_since_ = batch.is_high() ? high_since_ + batch.tokens : 0;
  if (!batch.is_high()) return rules_.low_ends(batch.tokens, took, now);
  if (!low_waits_.empty()) high_computed_ += batch.tokens;
  rules_.high_goes(batch.tokens);
  check_low_gets_its_share(batch.tokens);
}

// Any of its texts, wherever in the engine.
bool ScriptedDevice::high_is_open() const {
  size_t left = tasks_.count();
  for (TaskId id = 0; left > 0; ++id) {
    const Task& task = tasks_[id];
    if (task.stage == Task::Stage::absent) continue;
    --left;
    if (task.lane == Lane::high) return true;
  }
  return false;
}

void ScriptedDevice::check_launch_of_low(uint32_t tokens) {
  if (!high_is_open()) return;
  low_launched_ += tokens;
  const double bound = rate_ * high_computed_;
  if (low_launched_ > bound + 1e-6 * bound)
    violated("P8: LOW is launched while HIGH is open, and not owed");
  low_beside_high_ = std::max(low_beside_high_, low_launched_ / bound);
}

// Of two batches of LOW that wait the first is launched as soon as it is owed.
void ScriptedDevice::check_low_gets_its_share(uint32_t tokens_of_high) {
  if (low_waits_.empty() || low_launched_now() > 0) return;
  if (rate_ * (high_since_ - tokens_of_high) > low_waits_.front().tokens + 1)
    violated("P8: LOW is owed a quantum and not launched");
}

}  // namespace hilo::simulation
