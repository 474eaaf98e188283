#include "backend/cuda/host/fake_work.h"

#include <cstring>
#include <optional>

#include "backend/cpu/bf16.h"
#include "backend/cuda/fp16.h"

namespace hilo {
namespace {

template <class Number>
Touch reads(const Number* numbers, uint64_t count) {
  return {numbers, count * sizeof(Number), /*writes=*/false};
}
template <class Number>
Touch writes(Number* numbers, uint64_t count) {
  return {numbers, count * sizeof(Number), /*writes=*/true};
}

float widen(CudaFormat format, uint16_t bits) {
  return format == cuda_bf16 ? float_of(bits) : float_of_fp16(bits);
}

std::vector<float> widened(CudaFormat format, const uint16_t* numbers, uint64_t count) {
  std::vector<float> wide(count);
  for (uint64_t i = 0; i < count; ++i) wide[i] = widen(format, numbers[i]);
  return wide;
}

// Sixteen sums side by side, which the compiler turns into wide registers.
float dot(const float* a, const float* b, uint32_t count) {
  constexpr uint32_t width = 16;
  float sums[width] = {};
  uint32_t i = 0;
  for (; i + width <= count; i += width)
    for (uint32_t k = 0; k < width; ++k) sums[k] += a[i + k] * b[i + k];
  float sum = 0.0F;
  for (const float part : sums) sum += part;
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

int multiply(const CudaGemmShape& shape, const CudaProduct& product) {
  const uint64_t rows = product.row_count;
  const auto left = widened(shape.format, product.rows, rows * shape.depth);
  const auto right = widened(shape.format, product.weights, uint64_t{shape.columns} * shape.depth);
  const auto bias = product.bias == nullptr ? std::vector<float>(shape.columns)
                                            : widened(shape.format, product.bias, shape.columns);
  for (uint64_t row = 0; row < rows; ++row) {
    for (uint64_t column = 0; column < shape.columns; ++column) {
      const float sum = bias[column] + dot(left.data() + row * shape.depth,
                                           right.data() + column * shape.depth, shape.depth);
      const uint64_t place = row * shape.columns + column;
      if (shape.out_is_fp32 != 0)
        static_cast<float*>(product.out)[place] = sum;
      else
        static_cast<uint16_t*>(product.out)[place] =
            shape.format == cuda_bf16 ? bf16_of(sum) : fp16_of(sum);
    }
  }
  return 0;
}

}  // namespace

Work work_of(const CudaEmbed& embed) {
  const uint64_t hidden = embed.hidden;
  std::vector<Touch> touches = {reads(embed.counts, 1),
                                reads(embed.ids, embed.rows),
                                reads(embed.positions, embed.rows),
                                reads(embed.word_table, embed.vocabulary * hidden),
                                reads(embed.position_table, embed.positions_max * hidden),
                                reads(embed.gamma, hidden),
                                reads(embed.beta, hidden),
                                writes(embed.out, embed.rows * hidden)};
  if (embed.token_types > 0) {
    touches.push_back(reads(embed.types, embed.rows));
    touches.push_back(reads(embed.type_table, embed.token_types * hidden));
  }
  return {"embed", std::move(touches), [embed] { return cuda_embed(&embed, nullptr); }};
}

Work work_of(const CudaAddNorm& add_norm) {
  const uint64_t hidden = add_norm.hidden;
  return {"add_norm",
          {reads(add_norm.counts, 1), reads(add_norm.product, add_norm.rows * hidden),
           reads(add_norm.bias, hidden), reads(add_norm.gamma, hidden),
           reads(add_norm.beta, hidden), writes(add_norm.inout, add_norm.rows * hidden)},
          [add_norm] { return cuda_add_norm(&add_norm, nullptr); }};
}

Work work_of(const CudaGelu& gelu) {
  return {"gelu",
          {reads(gelu.counts, 1), reads(gelu.bias, gelu.columns),
           writes(gelu.inout, uint64_t{gelu.rows} * gelu.columns)},
          [gelu] { return cuda_gelu(&gelu, nullptr); }};
}

Work work_of(const CudaAttention& attention) {
  const uint64_t width = uint64_t{attention.heads} * attention.head;
  std::vector<Touch> touches = {reads(attention.counts, 1),
                                reads(attention.tiles, attention.tiles_max),
                                reads(attention.qkv, attention.rows * 3 * width),
                                writes(attention.context, attention.rows * width)};
  if (attention.distance_bias != nullptr)
    touches.push_back(
        reads(attention.distance_bias, uint64_t{attention.heads} * (2 * attention.distances - 1)));
  return {"attend", std::move(touches), [attention] { return cuda_attend(&attention, nullptr); }};
}

Work work_of(const CudaPool& pool) {
  const uint64_t hidden = pool.hidden;
  return {"pool",
          {reads(pool.counts, 1), reads(pool.sequence_start, pool.texts_max + 1),
           reads(pool.raw, pool.texts_max), reads(pool.rows_of_texts, pool.rows * hidden),
           writes(pool.vectors, pool.texts_max * hidden)},
          [pool] { return cuda_pool(&pool, nullptr); }};
}

Work work_of(const CudaScore& score) {
  const uint64_t hidden = score.hidden;
  return {"score",
          {reads(score.counts, 1), reads(score.sequence_start, score.texts_max + 1),
           reads(score.raw, score.texts_max), reads(score.rows_of_texts, score.rows * hidden),
           reads(score.dense, hidden * hidden), reads(score.dense_bias, hidden),
           reads(score.output, hidden), writes(score.scores, score.texts_max)},
          [score] { return cuda_score(&score, nullptr); }};
}

Work work_of(const CudaUpcast& upcast, bool to_int64) {
  const uint64_t bytes = uint64_t{upcast.count} * (to_int64 ? sizeof(int64_t) : sizeof(int32_t));
  return {"upcast",
          {reads(upcast.ids, upcast.count), {upcast.wide, bytes, /*writes=*/true}},
          [upcast, to_int64] {
            return to_int64 ? cuda_upcast_int64(&upcast, nullptr)
                            : cuda_upcast_int32(&upcast, nullptr);
          }};
}

Work work_of(const CudaGemmShape& shape, const CudaProduct& product) {
  const uint64_t rows = product.row_count;
  const uint64_t out_bytes = rows * shape.columns * (shape.out_is_fp32 != 0 ? 4 : 2);
  std::vector<Touch> touches = {reads(product.rows, rows * shape.depth),
                                reads(product.weights, uint64_t{shape.columns} * shape.depth),
                                {product.out, out_bytes, /*writes=*/true},
                                {product.workspace, cuda_gemm_workspace_bytes, /*writes=*/true}};
  if (product.bias != nullptr) touches.push_back(reads(product.bias, shape.columns));
  return {"multiply", std::move(touches), [shape, product] { return multiply(shape, product); }};
}

Work copy_work(void* to, const void* from, uint64_t bytes, bool in) {
  return {in ? "copy_in" : "copy_out",
          {{to, bytes, /*writes=*/true, /*pinned=*/!in, /*aligned=*/false},
           {from, bytes, /*writes=*/false, /*pinned=*/in, /*aligned=*/false}},
          [=] {
            std::memcpy(to, from, bytes);
            return 0;
          }};
}

}  // namespace hilo
