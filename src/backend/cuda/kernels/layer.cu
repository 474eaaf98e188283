// What stands between a layer's products: residual and LayerNorm, and the activation.
#include "backend/cuda/kernels/row.h"

namespace hilo::simt {
namespace {

constexpr uint32_t gelu_threads = 256;

template <class Format, uint32_t Pairs>
SIMT_KERNEL(row_threads)
add_norm_kernel(CudaAddNorm add_norm) {
  const uint32_t token = row_of_warp();
  if (token >= add_norm.counts->tokens) return;
  const uint32_t hidden = add_norm.hidden;
  const uint64_t first = static_cast<uint64_t>(token) * hidden;
  uint16_t* inout = add_norm.inout + first;
  auto row = read_row<Pairs>(add_norm.product + first, hidden);
  const auto residual = read_row<Format, Pairs>(inout, hidden);
  const auto bias = read_row<Pairs>(add_norm.bias, hidden);
  const auto gamma = read_row<Pairs>(add_norm.gamma, hidden);
  const auto beta = read_row<Pairs>(add_norm.beta, hidden);
  add(row, bias);
  add(row, residual);
  normalize_to<Format>(row, gamma, beta, hidden, add_norm.epsilon, inout);
}

// x times the normal distribution's share below x, by the series 7.1.26 of Abramowitz and Stegun
// for erfc, which is off by 1.5e-7 at most: half the instructions of erff, and no branch.
SIMT_DEVICE float gelu(float x) {
  constexpr float slope = 0.3275911F * 0.70710678118654752440F;
  constexpr float minus_half_log2_e = -0.72134752044448170368F;
  const float size = fabsf(x);
  const float t = reciprocal_fast(1.0F + slope * size);
  const float series =
      t * (0.254829592F +
           t * (-0.284496736F + t * (1.421413741F + t * (-1.453152027F + t * 1.061405429F))));
  const float beyond = 0.5F * series * exp2_fast(minus_half_log2_e * x * x);
  return fmaxf(x, 0.0F) - size * beyond;
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
  const auto kernel = with_pairs_of(add_norm->hidden, [&]<uint32_t Pairs> {
    return add_norm->format == cuda_bf16 ? add_norm_kernel<Bf16Format, Pairs>
                                         : add_norm_kernel<Fp16Format, Pairs>;
  });
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
