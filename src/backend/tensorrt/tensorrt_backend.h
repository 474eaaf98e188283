// An engine of TensorRT as a backend: padded tables of ids, one execution context for each lane.
// See docs/GPU.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "backend/backend.h"
#include "backend/cuda/driver.h"
#include "backend/tensorrt/shim.h"
#include "base/result.h"
#include "model/model.h"
#include "model/prepared_model.h"

namespace hilo {

struct TensorRtBackendOptions {
  // What is computed at once, padding included; a longer text has a quantum of its own.
  uint32_t quantum_tokens = 2048;
  double low_share = 0.05;  // of the GPU, while HIGH would take all
};

// The two tables, which outlive the backend, and what is computed with them. `header` is that of
// the model's folder, `prepared` what was made of it; neither is needed afterwards.
struct TensorRtSource {
  const TensorRtShim& shim;
  const CudaDriver& driver;
  const ModelHeader& header;
  const PreparedModel& prepared;
  std::span<const std::byte> engine;  // as read_engine() gave it
};

// The table of libhilo_tensorrt.so.MAJOR for the version that built the engine, which stays loaded;
// or why there is none.
Result<const TensorRtShim*> load_tensorrt_shim(const PreparedModel& prepared);

// Everything is allocated here. An engine that is not of this model, or that the GPU or the library
// refuses, is an error.
Result<std::unique_ptr<Backend>> make_tensorrt_backend(const TensorRtSource& source,
                                                       const TensorRtBackendOptions& options);

}  // namespace hilo
