// One lane of an engine: a stream, an execution context with its profile, and one allocation for
// all that both need. Made at the start. Batches are computed in the order in which they were
// queued.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "backend/cuda/handles.h"
#include "backend/tensorrt/engine_layout.h"
#include "backend/tensorrt/padded_batch.h"
#include "base/result.h"

namespace hilo {

// The tensors of a lane within its allocation.
struct TensorRtTensors {
  TensorRtTensors(const EngineLayout& layout, const ModelHeader& header,
                  const TensorRtProfile& profile, uint32_t cells);

  uint64_t narrow, ids, mask, types, scratch, output;
  uint64_t bytes;
};

// What is the same for every lane.
struct LoadedEngine {
  const TensorRtShim& shim;
  const CudaDriver& driver;
  const ModelHeader& header;
  const EngineHandle& engine;
  const EngineLayout& layout;
};

class TensorRtLane {
 public:
  // `profile` of the engine; tables of up to `cells` cells.
  static Result<std::unique_ptr<TensorRtLane>> make(const LoadedEngine& engine, uint32_t profile,
                                                    int32_t priority, uint32_t cells);

  uint64_t bytes() const { return tensors_.bytes; }

  // Queues tables of this shape, written to `in`, and the copy of what becomes of them to `out`;
  // `done` is recorded behind it. After an error some of it may be queued.
  struct Run {
    TensorRtShape shape;
    const void* in;
    void* out;
    CudaEvent* done;
  };
  Status queue(const Run& run);
  // After an error: what was queued touches the caller's buffers no more when it returns.
  void settle() { engine_.driver.synchronize(stream_.get()); }

 private:
  TensorRtLane(const LoadedEngine& engine, uint32_t profile, uint32_t cells)
      : engine_(engine),
        profile_(engine.layout.profiles[profile]),
        tensors_(engine.layout, engine.header, profile_, cells) {}

  Status prepare(uint32_t profile, int32_t priority);
  Status bind_all();
  int copy_in_and_widen(const Run& run);
  bool tell_shape(const TensorRtShape& shape);
  int widen(uint64_t from, uint64_t to, uint32_t count, uint32_t bound);
  std::byte* at(uint64_t offset) const { return static_cast<std::byte*>(memory_.get()) + offset; }

  const LoadedEngine engine_;
  const TensorRtProfile profile_;
  const TensorRtTensors tensors_;
  DeviceMemory memory_;
  StreamHandle stream_;
  ContextHandle context_;
  std::mutex queueing_;
};

}  // namespace hilo
