// What stands between a layer's products: residual and LayerNorm, and the activation.
#include "backend/cuda/kernels/row.h"

namespace hilo::simt {
namespace {

constexpr uint32_t gelu_threads = 256;

template <class Format>
SIMT_KERNEL(row_threads)
add_norm_kernel(CudaAddNorm add_norm) {
  const uint32_t token = row_of_warp();
  if (token >= add_norm.counts->tokens) return;
  const uint32_t hidden = add_norm.hidden;
  const uint64_t first = static_cast<uint64_t>(token) * hidden;
  const float* product = add_norm.product + first;
  uint16_t* inout = add_norm.inout + first;
  Row row;
  for_each_pair(row, hidden, [&](uint32_t column, float(&x)[2]) {
    const Few<2> few = load<2>(inout + column);
    for (uint32_t i = 0; i < 2; ++i)
      x[i] = product[column + i] + add_norm.bias[column + i] + Format::widen(few.bits[i]);
  });
  const NormWeights weights{add_norm.gamma, add_norm.beta, hidden, add_norm.epsilon};
  normalize_to<Format>(row, weights, inout);
}

SIMT_DEVICE float gelu(float x) {
  constexpr float one_over_sqrt_two = 0.70710678118654752440F;
  return 0.5F * x * (1.0F + erff(x * one_over_sqrt_two));
}

// A thread has cuda_width_unit neighbours of one row.
template <class Format>
SIMT_KERNEL(gelu_threads)
gelu_kernel(CudaGelu arguments) {
  const uint64_t first =
      (static_cast<uint64_t>(block_x()) * gelu_threads + thread()) * cuda_width_unit;
  if (first >= static_cast<uint64_t>(arguments.counts->tokens) * arguments.columns) return;
  const float* bias = arguments.bias + first % arguments.columns;
  Few<cuda_width_unit> few = load<cuda_width_unit>(arguments.inout + first);
  for (uint32_t i = 0; i < cuda_width_unit; ++i)
    few.bits[i] = Format::narrow(gelu(Format::widen(few.bits[i]) + bias[i]));
  store(arguments.inout + first, few);
}

}  // namespace
}  // namespace hilo::simt

extern "C" {

int cuda_add_norm(const CudaAddNorm* add_norm, CudaStream* stream) {
  using namespace hilo::simt;
  const auto kernel =
      add_norm->format == cuda_bf16 ? add_norm_kernel<Bf16Format> : add_norm_kernel<Fp16Format>;
  return launch(kernel, grid_of_rows(add_norm->rows), row_threads, *add_norm, stream);
}

int cuda_gelu(const CudaGelu* gelu, CudaStream* stream) {
  using namespace hilo::simt;
  const auto kernel = gelu->format == cuda_bf16 ? gelu_kernel<Bf16Format> : gelu_kernel<Fp16Format>;
  const uint64_t threads = static_cast<uint64_t>(gelu->rows) * gelu->columns / cuda_width_unit;
  const auto blocks = static_cast<uint32_t>((threads + gelu_threads - 1) / gelu_threads);
  return launch(kernel, {blocks}, gelu_threads, *gelu, stream);
}

}  // extern "C"
