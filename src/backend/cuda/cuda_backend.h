// The encoder on a GPU: packed tokens, own kernels beside cuBLASLt's products, two lanes. See
// docs/GPU.md.
#pragma once

#include <cstdint>
#include <memory>

#include "backend/backend.h"
#include "backend/cuda/driver.h"
#include "base/result.h"
#include "model/model.h"

namespace hilo {

struct CudaBackendOptions {
  CudaFormat format = cuda_bf16;
  // What is computed at once; a longer text has a quantum of its own.
  uint32_t quantum_tokens = 2048;
  uint32_t quantum_texts = 256;
  double low_share = 0.05;  // of the GPU, while HIGH would take all
};

// Everything is allocated here. Without a device, or where the model does not fit it, an error.
Result<std::unique_ptr<Backend>> make_cuda_backend(const CudaDriver& driver, const Model& model,
                                                   const CudaBackendOptions& options);

}  // namespace hilo
