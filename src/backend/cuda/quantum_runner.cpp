#include "backend/cuda/quantum_runner.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace hilo {
namespace {

// HIGH keeps the GPU busy with what its workers bring; LOW has one quantum there and the next at
// hand.
constexpr std::array<size_t, lane_count> slots_of_lane{4, 2};

}  // namespace

Status QuantumRunner::make_staging(Lane lane, uint64_t in_bytes, uint64_t out_bytes) {
  auto staging = Staging::make(
      driver_,
      {.slots = slots_of_lane[lane_index(lane)], .in_bytes = in_bytes, .out_bytes = out_bytes},
      /*sleeps=*/lane == Lane::low);
  if (!staging) return staging.error();
  staging_[lane_index(lane)] = *std::move(staging);
  return {};
}

size_t QuantumRunner::bytes() const {
  size_t total = 0;
  for (const auto& staging : staging_) total += staging->bytes();
  return total;
}

void QuantumRunner::expect_high(bool any) {
  if (high_expected_.exchange(any) == any) return;
  if (any)
    gate_.high_comes();
  else
    gate_.high_goes(0);
}

bool QuantumRunner::run(Lane lane, uint32_t tokens, QuantumWork& work, Nanoseconds& took) {
  if (failed_.load(std::memory_order_relaxed)) return false;
  if (lane == Lane::high) gate_.high_comes();
  Staging& staging = *staging_[lane_index(lane)];
  StagingSlot& slot = staging.take();
  work.write(slot.batch());
  if (lane == Lane::low) gate_.low_comes(tokens);
  const Instant queued = monotonic_now();
  const Status computed = compute(work, slot);
  const Nanoseconds took_this = lane_was_at(lane, queued);
  took += took_this;
  if (lane == Lane::low)
    gate_.low_ends(tokens, took_this);
  else
    gate_.high_goes(tokens);
  if (computed) work.read(slot.vectors());
  staging.give_back(slot);
  // An error of the device stays: nothing can be computed any more in this process. Told once.
  if (!computed && !failed_.exchange(true))
    log_error(fmt::format("{}; texts fail until hilo is restarted", computed.error().message));
  return computed.ok();
}

// Returns when the vectors are in the slot.
Status QuantumRunner::compute(QuantumWork& work, const StagingSlot& slot) {
  Status status = work.queue(slot);
  if (status) {
    if (const int error = driver_.wait(slot.done.get()); error != 0)
      status = cuda_error(driver_, "compute any more", error);
  }
  if (!status) work.settle();
  return status;
}

// How long the lane has been at a batch that is done: from when it was queued or, if that is later,
// the one before it was done.
Nanoseconds QuantumRunner::lane_was_at(Lane lane, Instant queued) {
  const Instant now = monotonic_now();
  const Instant before{free_since_[lane_index(lane)].exchange(now.ns)};
  return now - std::max(queued, std::min(before, now));
}

}  // namespace hilo
