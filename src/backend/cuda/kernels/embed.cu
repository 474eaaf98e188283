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

template <class Format, uint32_t Pairs>
SIMT_KERNEL(row_threads)
embed_kernel(CudaEmbed embed) {
  const uint32_t token = row_of_warp();
  if (token >= embed.counts->tokens) return;
  const uint32_t hidden = embed.hidden;
  const auto row_of = [&](const uint16_t* table, uint32_t index) {
    return read_row<Format, Pairs>(table + static_cast<uint64_t>(index) * hidden, hidden);
  };
  const auto gamma = read_row<Pairs>(embed.gamma, hidden);
  const auto beta = read_row<Pairs>(embed.beta, hidden);
  auto row = row_of(embed.word_table, clamped(embed.ids[token], embed.vocabulary));
  add(row, row_of(embed.position_table, clamped(embed.positions[token], embed.positions_max)));
  if (embed.token_types > 0)
    add(row, row_of(embed.type_table, clamped(embed.types[token], embed.token_types)));
  normalize_to<Format>(row, gamma, beta, hidden, embed.epsilon,
                       embed.out + static_cast<uint64_t>(token) * hidden);
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
  const auto kernel = with_pairs_of(embed->hidden, [&]<uint32_t Pairs> {
    return embed->format == cuda_bf16 ? embed_kernel<Bf16Format, Pairs>
                                      : embed_kernel<Fp16Format, Pairs>;
  });
  return launch(kernel, grid_of_rows(embed->rows), row_threads, *embed, stream);
}

}  // extern "C"
