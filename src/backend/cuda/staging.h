// Pinned memory of the host through which batches go to the device and vectors come back. Made at
// the start; who finds no free slot waits for one.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "backend/cuda/driver.h"
#include "backend/cuda/handles.h"
#include "base/result.h"

namespace hilo {

struct StagingSlot {
  PinnedMemory in, out;
  EventHandle done;

  std::byte* batch() const { return static_cast<std::byte*>(in.get()); }
  float* vectors() const { return static_cast<float*>(out.get()); }
};

class Staging {
 public:
  struct Sizes {
    size_t slots;
    uint64_t in_bytes;
    uint64_t out_bytes;
  };
  // Who waits for a batch sleeps if it `sleeps`.
  static Result<std::unique_ptr<Staging>> make(const CudaDriver& driver, const Sizes& sizes,
                                               bool sleeps);

  StagingSlot& take() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return !free_.empty(); });
    StagingSlot& slot = *free_.back();
    free_.pop_back();
    return slot;
  }
  void give_back(StagingSlot& slot) {
    const std::lock_guard lock(mutex_);
    free_.push_back(&slot);  // Within what was reserved.
    freed_.notify_one();
  }
  uint64_t bytes() const { return bytes_; }

 private:
  Staging() = default;

  std::vector<StagingSlot> slots_;
  std::vector<StagingSlot*> free_;
  uint64_t bytes_ = 0;
  std::mutex mutex_;
  std::condition_variable freed_;
};

}  // namespace hilo
