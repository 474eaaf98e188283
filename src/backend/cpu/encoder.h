// The transformer's layers over a chunk of texts: whole texts, packed back to back, few enough that
// everything between two layers stays in the core's own cache.
#pragma once

#include <cstddef>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/linear.h"
#include "backend/cpu/packed_model.h"
#include "backend/yield_gate.h"

namespace hilo {

// Scratch of one worker.
class EncoderBuffers {
 public:
  // For chunks of up to chunk_tokens tokens in texts of up to text_tokens tokens.
  EncoderBuffers(const EncoderShape& shape, const CpuKernels& kernels, size_t chunk_tokens,
                 size_t text_tokens);

  size_t bytes() const;

  // One row a token: embeddings at first, then each layer's output.
  Rows hidden() { return {hidden_.data(), hidden_stride_}; }
  // Queries, keys and values, head by head: part (0, 1, 2), head, token, column. A head's rows are
  // then one dense block, which the kernels can read as it stands.
  float* head(size_t part, size_t index) {
    return heads_.data() + (part * shape_.heads + index) * head_stride();
  }
  size_t head_stride() const { return chunk_tokens_ * shape_.head_padded; }
  Rows context() { return {context_.data(), context_stride_}; }
  // For one block of rows only.
  Rows intermediate() { return {intermediate_.data(), intermediate_stride_}; }
  size_t block_rows() const { return block_rows_; }
  size_t chunk_tokens() const { return chunk_tokens_; }
  size_t text_tokens() const { return text_tokens_; }

  // One head's keys as panels, and one tile's scores.
  float* keys() { return keys_.data(); }
  Rows scores() { return {scores_.data(), scores_stride_}; }
  float* row_scale() { return row_scale_.data(); }

 private:
  EncoderShape shape_;
  size_t chunk_tokens_;
  size_t text_tokens_;
  size_t block_rows_;
  size_t hidden_stride_, context_stride_, intermediate_stride_, scores_stride_;
  AlignedFloats hidden_, heads_, context_, intermediate_, keys_, scores_, row_scale_;
};

// Leaves the last layer's output in buffers.hidden(), one row a token.
void encode_chunk(const PackedModel& model, const CpuKernels& kernels, const TokenBatch& chunk,
                  EncoderBuffers& buffers, const YieldGate& gate);

}  // namespace hilo
