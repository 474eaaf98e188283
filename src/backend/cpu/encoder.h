// The transformer's layers over a chunk of texts: whole texts, packed back to back, few enough that
// everything between two layers stays in the core's own cache.
#pragma once

#include <cstddef>

#include "backend/backend.h"
#include "backend/cpu/activations.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/packed_model.h"
#include "backend/yield_gate.h"

namespace hilo {

struct EncoderLimits {
  size_t chunk_tokens;  // of all texts of a chunk
  size_t text_tokens;   // of one text
};

// What a chunk is between two steps. Where the weights are floats, so is everything; else what
// meets weights is narrowed to their precision first, and what is added up or normalized stays in
// floats.
class EncoderBuffers {
 public:
  EncoderBuffers(const EncoderShape& shape, const CpuKernels& kernels,
                 const ModelPrecision& precision, const EncoderLimits& limits);

  size_t bytes() const;
  const EncoderLimits& limits() const { return limits_; }
  // Rows that go through the feed-forward part together.
  size_t block_rows() const { return block_rows_; }

  // One row a token: embeddings at first, then each layer's output.
  Matrix hidden() { return hidden_.matrix(); }
  HeadBlocks heads() { return {heads_.data(), attention_precision_, limits_.chunk_tokens, shape_}; }
  Matrix context() { return context_.matrix(); }
  // For one block of rows only.
  Matrix intermediate() { return intermediate_.matrix(); }

  // The same as operands. Where that is another precision, the encoder narrows the one into the
  // other.
  Operand hidden_operand() { return operand_of(hidden_, narrow_hidden_); }
  // The one that queries, keys and values are made from.
  Operand query_operand() {
    return narrow_queries_.empty() ? hidden_operand() : narrow_queries_.operand();
  }
  Operand context_operand() { return operand_of(context_, narrow_hidden_); }
  Operand intermediate_operand() { return operand_of(intermediate_, narrow_intermediate_); }

 private:
  static Operand operand_of(Activations& wide, Activations& narrow) {
    return narrow.empty() || wide.precision() == narrow.precision() ? wide.operand()
                                                                    : narrow.operand();
  }

  EncoderShape shape_;
  EncoderLimits limits_;
  Precision attention_precision_;
  size_t block_rows_;
  AlignedArray<uint8_t> heads_;
  Activations hidden_, context_, intermediate_;
  Activations narrow_hidden_;   // for the context, too: neither is used while the other is
  Activations narrow_queries_;  // if that is another precision
  Activations narrow_intermediate_;
};

// What a thread brings to a chunk.
struct EncoderThread {
  AttentionScratch& scratch;
  Crew::Member& member;
  const YieldGate& gate;
};

// Leaves the last layer's output in buffers.hidden(), one row a token. Members of a crew all call
// it, with the same buffers.
void encode_chunk(const PackedModel& model, const CpuKernels& kernels, const TokenBatch& chunk,
                  EncoderBuffers& buffers, const EncoderThread& thread);

}  // namespace hilo
