// Softmax attention within one text, one head after the other. Scores of a tile of rows stay in the
// nearest cache, so nothing of the size tokens x tokens is ever stored.
#pragma once

#include <cstddef>

#include "backend/cpu/activations.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/packed_model.h"
#include "backend/yield_gate.h"

namespace hilo {

// Queries, keys and values of a chunk, head by head: part (0, 1, 2), head, token, column. A head's
// rows are then one dense block, which the kernels can read as it stands.
class HeadBlocks {
 public:
  HeadBlocks(uint8_t* data, Precision precision, size_t tokens_max, const EncoderShape& shape)
      : data_(data),
        precision_(precision),
        block_numbers_(block_numbers(tokens_max, shape)),
        heads_(shape.heads),
        head_padded_(shape.head_padded) {}

  static size_t bytes(Precision precision, size_t tokens_max, const EncoderShape& shape) {
    return 3 * shape.heads * block_numbers(tokens_max, shape) * bytes_of(precision) + spare_bytes;
  }

  size_t block_numbers() const { return block_numbers_; }
  Matrix block(size_t part, size_t head) const {
    const size_t first = (part * heads_ + head) * block_numbers_;
    return {precision_, data_ + first * bytes_of(precision_), head_padded_};
  }

 private:
  static size_t block_numbers(size_t tokens_max, const EncoderShape& shape) {
    return tokens_max * shape.head_padded;
  }
  // What a kernel reads behind the last row of its last tile.
  static constexpr size_t spare_bytes = 64 * 1024;

  uint8_t* data_;
  Precision precision_;
  size_t block_numbers_;
  size_t heads_;
  size_t head_padded_;
};

// What one thread needs for one head of one text.
class AttentionScratch {
 public:
  AttentionScratch(const EncoderShape& shape, const CpuKernels& kernels, Precision precision,
                   size_t text_tokens_max);
  size_t bytes() const;

  Group* keys() { return keys_.data(); }
  Group* values() { return values_.data(); }  // bf16 only; floats are used where they stand
  Matrix scores() { return scores_.matrix(); }
  Matrix powers() { return powers_.empty() ? scores_.matrix() : powers_.matrix(); }
  float* row_scale() { return row_scale_.data(); }

 private:
  AlignedArray<Group> keys_, values_;
  Activations scores_, powers_;
  AlignedFloats row_scale_;
};

// One head of one text, which lies in rows [first, first + tokens) of a chunk.
struct HeadOfText {
  const HeadBlocks& blocks;
  size_t head;
  size_t first;
  size_t tokens;
};

// Writes the head's columns of the text's rows of `context`. Passes the gate after every tile.
void attend(const PackedModel& model, const CpuKernels& kernels, const HeadOfText& of,
            const Matrix& context, AttentionScratch& scratch, const YieldGate& gate);

}  // namespace hilo
