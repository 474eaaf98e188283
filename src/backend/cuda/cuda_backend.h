// The encoder on a GPU: packed tokens, own kernels beside cuBLASLt's products, two lanes. See
// docs/GPU.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

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

// The table of the plug-in libhilo_cuda.so, which stays loaded; or why there is none.
Result<const CudaDriver*> load_cuda_driver();
// "NVIDIA H100 80GB HBM3, 80512 of 81559 MiB free", or why there is none.
Result<std::string> describe_cuda_device(const CudaDriver& driver);

// Everything is allocated here. Without a device, or where the model does not fit it, an error.
Result<std::unique_ptr<Backend>> make_cuda_backend(const CudaDriver& driver, const Model& model,
                                                   const CudaBackendOptions& options);

}  // namespace hilo
