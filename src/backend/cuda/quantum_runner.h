// What every backend on a device does with a quantum of texts: takes a slot of pinned memory, waits
// for the gate as LOW, queues, waits for the device, and gives the slot back. The backend itself
// says what is written, queued and read.
// Threads: run() is called by many at once.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "backend/cuda/driver.h"
#include "backend/cuda/quantum_gate.h"
#include "backend/cuda/staging.h"
#include "base/clock.h"
#include "base/result.h"
#include "protocol/lane.h"

namespace hilo {

class QuantumWork {
 public:
  virtual ~QuantumWork() = default;
  virtual void write(std::byte* batch) const = 0;
  // Queues all of it, slot.done recorded behind it. After an error some of it may be queued.
  virtual Status queue(const StagingSlot& slot) = 0;
  // What was queued touches the slot no more when it returns.
  virtual void settle() = 0;
  virtual void read(const float* vectors) const = 0;
};

class QuantumRunner {
 public:
  QuantumRunner(const CudaDriver& driver, double low_share) : driver_(driver), gate_(low_share) {}

  // The pinned memory of a lane: what a quantum takes at most.
  Status make_staging(Lane lane, uint64_t in_bytes, uint64_t out_bytes);
  size_t bytes() const;

  // HIGH has texts somewhere on their way, or none any more.
  void expect_high(bool any);
  // False: nothing can be computed any more, which is told once.
  bool run(Lane lane, uint32_t tokens, QuantumWork& work, Nanoseconds& took);

 private:
  Status compute(QuantumWork& work, const StagingSlot& slot);
  Nanoseconds lane_was_at(Lane lane, Instant queued);

  const CudaDriver& driver_;
  std::array<std::unique_ptr<Staging>, lane_count> staging_;
  QuantumGate gate_;
  std::atomic<bool> high_expected_{false};
  std::array<std::atomic<Nanoseconds>, lane_count> free_since_{};
  std::atomic<bool> failed_{false};
};

}  // namespace hilo
