// The first layer: token ids to rows; and ids alone, widened for engines that want them so.
#include "backend/cuda/kernels/row.h"

namespace hilo::simt {
namespace {

constexpr uint32_t upcast_threads = 256;

// Clients can write their ids while they are read here, so the bound is kept here.
SIMT_DEVICE uint32_t clamped(uint32_t index, uint32_t count) {
  return index < count ? index : count - 1;
}

template <class Wide>
SIMT_KERNEL(upcast_threads)
upcast_kernel(CudaUpcast upcast) {
  const uint32_t i = block_x() * upcast_threads + thread();
  if (i < upcast.count)
    static_cast<Wide*>(upcast.wide)[i] =
        static_cast<Wide>(clamped(upcast.ids[i], upcast.vocabulary));
}

template <class Wide>
int launch_upcast(const CudaUpcast& upcast, CudaStream* stream) {
  const uint32_t blocks = (upcast.count + upcast_threads - 1) / upcast_threads;
  return launch(upcast_kernel<Wide>, {blocks}, upcast_threads, upcast, stream);
}

template <class Format>
SIMT_DEVICE void add_row(Row& row, uint32_t columns, const uint16_t* table, uint32_t index) {
  const uint16_t* from = table + static_cast<uint64_t>(index) * columns;
  for_each_pair(row, columns, [&](uint32_t column, float(&x)[2]) {
    const Few<2> few = load<2>(from + column);
    x[0] += Format::widen(few.bits[0]);
    x[1] += Format::widen(few.bits[1]);
  });
}

template <class Format>
SIMT_KERNEL(row_threads)
embed_kernel(CudaEmbed embed) {
  const uint32_t token = row_of_warp();
  if (token >= embed.counts->tokens) return;
  const uint32_t hidden = embed.hidden;
  Row row = {};
  add_row<Format>(row, hidden, embed.word_table, clamped(embed.ids[token], embed.vocabulary));
  add_row<Format>(row, hidden, embed.position_table,
                  clamped(embed.positions[token], embed.positions_max));
  if (embed.token_types > 0)
    add_row<Format>(row, hidden, embed.type_table, clamped(embed.types[token], embed.token_types));
  const NormWeights weights{embed.gamma, embed.beta, hidden, embed.epsilon};
  normalize_to<Format>(row, weights, embed.out + static_cast<uint64_t>(token) * hidden);
}

}  // namespace
}  // namespace hilo::simt

extern "C" {

int cuda_upcast_int64(const CudaUpcast* upcast, CudaStream* stream) {
  return hilo::simt::launch_upcast<int64_t>(*upcast, stream);
}

int cuda_upcast_int32(const CudaUpcast* upcast, CudaStream* stream) {
  return hilo::simt::launch_upcast<int32_t>(*upcast, stream);
}

int cuda_embed(const CudaEmbed* embed, CudaStream* stream) {
  using namespace hilo::simt;
  const auto kernel =
      embed->format == cuda_bf16 ? embed_kernel<Bf16Format> : embed_kernel<Fp16Format>;
  return launch(kernel, grid_of_rows(embed->rows), row_threads, *embed, stream);
}

}  // extern "C"
