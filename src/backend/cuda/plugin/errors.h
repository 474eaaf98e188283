// Errors of both libraries as one kind of number.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include "backend/cuda/driver.h"

namespace {

// Errors of cuBLASLt are counted on from here, those of the runtime from 0.
constexpr int cublas_errors = 10000;

int runtime(cudaError_t error) { return static_cast<int>(error); }
int cublas(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? 0 : cublas_errors + static_cast<int>(status);
}
cudaStream_t stream_of(CudaStream* stream) { return reinterpret_cast<cudaStream_t>(stream); }

}  // namespace
