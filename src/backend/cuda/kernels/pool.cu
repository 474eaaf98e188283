// The last step: a text's rows to its vector, or to the score of a cross-encoder. A block has one
// text.
#include "backend/cuda/kernels/row.h"

namespace hilo::simt {
namespace {

constexpr uint32_t pool_warps = 8;
constexpr uint32_t pool_threads = pool_warps * warp_threads;
constexpr uint32_t columns_of_thread_max = cuda_hidden_max / pool_threads;

struct PoolShared {
  float rows[pool_warps][cuda_hidden_max];
  float sums[pool_warps];
};
struct ScoreShared {
  float row[cuda_hidden_max];
  float sums[pool_warps];
};

// The sum over the block, in every thread.
SIMT_DEVICE float block_sum(float value, float (&sums)[pool_warps]) {
  const float sum = warp_sum(value);
  if (lane() == 0) sums[warp()] = sum;
  sync_block();
  float total = 0.0F;
  for (const float part : sums) total += part;
  return total;
}

template <class Format, uint32_t Pairs>
SIMT_KERNEL(pool_threads)
pool_kernel(CudaPool pool) {
  SIMT_SHARED(PoolShared, shared);
  const uint32_t text = block_x();
  if (text >= pool.counts->texts) return;
  const uint32_t begin = pool.sequence_start[text];
  const uint32_t end = pool.sequence_start[text + 1];
  const uint32_t first = pool.pooling == cuda_pool_last ? end - 1 : begin;
  const uint32_t count = pool.pooling == cuda_pool_mean ? end - begin : 1;
  // Each warp adds every eighth row, so that many reads are under way at once.
  Row<Pairs> sum = {};
  for (uint32_t i = warp(); i < count; i += pool_warps)
    add(sum, read_row<Format, Pairs>(
                 pool.rows_of_texts + static_cast<uint64_t>(first + i) * pool.hidden, pool.hidden));
  SIMT_UNROLL
  for (uint32_t i = 0; i < Pairs; ++i) {
    if (!is_inside(i, pool.hidden)) continue;
    const uint32_t column = column_of(i, pool.hidden);
    shared.rows[warp()][column] = sum.x[i][0];
    shared.rows[warp()][column + 1] = sum.x[i][1];
  }
  sync_block();
  float x[columns_of_thread_max];
  float squares = 0.0F;
  SIMT_UNROLL
  for (uint32_t i = 0; i < columns_of_thread_max; ++i) {
    const uint32_t column = i * pool_threads + thread();
    x[i] = 0.0F;
    if (column >= pool.hidden) continue;
    for (const auto& part : shared.rows) x[i] += part[column];
    x[i] /= static_cast<float>(count);
    squares += x[i] * x[i];
  }
  float scale = 1.0F;
  constexpr float length_min = 1e-12F;
  // The same for all threads of the block, so they meet at its barrier.
  if (pool.normalize != 0 && pool.raw[text] == 0)
    scale = 1.0F / fmaxf(sqrtf(block_sum(squares, shared.sums)), length_min);
  float* vector = pool.vectors + static_cast<uint64_t>(text) * pool.hidden;
  SIMT_UNROLL
  for (uint32_t i = 0; i < columns_of_thread_max; ++i) {
    const uint32_t column = i * pool_threads + thread();
    if (column < pool.hidden) vector[column] = x[i] * scale;
  }
}

// Each warp computes every eighth output of the dense layer.
template <class Format>
SIMT_KERNEL(pool_threads)
score_kernel(CudaScore score) {
  SIMT_SHARED(ScoreShared, shared);
  const uint32_t text = block_x();
  if (text >= score.counts->texts) return;
  const uint16_t* row =
      score.rows_of_texts + static_cast<uint64_t>(score.sequence_start[text]) * score.hidden;
  for (uint32_t i = thread(); i < score.hidden; i += pool_threads)
    shared.row[i] = Format::widen(row[i]);
  sync_block();
  float sum = 0.0F;
  for (uint32_t out = warp(); out < score.hidden; out += pool_warps) {
    const uint16_t* weights = score.dense + static_cast<uint64_t>(out) * score.hidden;
    float product = 0.0F;
    for (uint32_t i = 2 * lane(); i < score.hidden; i += 2 * warp_threads) {
      const Few<2> few = load<2>(weights + i);
      product += Format::widen(few.bits[0]) * shared.row[i];
      product += Format::widen(few.bits[1]) * shared.row[i + 1];
    }
    sum += score.output[out] * tanhf(warp_sum(product) + score.dense_bias[out]);
  }
  // All lanes of a warp have the same sum.
  const float total = block_sum(lane() == 0 ? sum : 0.0F, shared.sums) + score.output_bias;
  if (thread() == 0)
    score.scores[text] = score.function == cuda_score_sigmoid && score.raw[text] == 0
                             ? 1.0F / (1.0F + expf(-total))
                             : total;
}

}  // namespace
}  // namespace hilo::simt

extern "C" {

int cuda_pool(const CudaPool* pool, CudaStream* stream) {
  using namespace hilo::simt;
  const auto kernel = with_pairs_of(pool->hidden, [&]<uint32_t Pairs> {
    return pool->format == cuda_bf16 ? pool_kernel<Bf16Format, Pairs>
                                     : pool_kernel<Fp16Format, Pairs>;
  });
  return launch(kernel, {pool->texts_max}, pool_threads, *pool, stream);
}

int cuda_score(const CudaScore* score, CudaStream* stream) {
  using namespace hilo::simt;
  const auto kernel =
      score->format == cuda_bf16 ? score_kernel<Bf16Format> : score_kernel<Fp16Format>;
  return launch(kernel, {score->texts_max}, pool_threads, *score, stream);
}

}  // extern "C"
