#include "backend/cpu/encoder.h"

#include <algorithm>
#include <optional>
#include <unistd.h>

#include "backend/cpu/attention.h"
#include "base/ensure.h"

namespace hilo {
namespace {

// Rows that go through the feed-forward part together: as many as keep their wide intermediate rows
// within a quarter of the core's own cache, since weights and results pass through it as well.
size_t rows_of_block(size_t intermediate_stride, size_t tile_rows) {
  constexpr size_t cache_bytes_usual = size_t{1} << 20;
  const long asked = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
  const size_t cache_bytes = asked > 0 ? static_cast<size_t>(asked) : cache_bytes_usual;
  const size_t rows = cache_bytes / 4 / (intermediate_stride * sizeof(float));
  return std::max(rows / tile_rows, size_t{2}) * tile_rows;
}

void add_embeddings(const PackedModel& model, const TokenBatch& chunk, size_t token,
                    size_t position, float* row) {
  const size_t columns = model.shape.hidden;
  const uint32_t id = chunk.ids[token];
  ENSURE(id < model.config.vocabulary);
  const float* word = model.word_embeddings.data() + id * columns;
  const float* place = model.position_embeddings.data() + position * columns;
  for (size_t i = 0; i < columns; ++i) row[i] = word[i] + place[i];
  if (model.config.token_types == 0) return;
  const size_t kind = chunk.types.empty() ? 0 : chunk.types[token];
  ENSURE(kind < model.config.token_types);
  const float* type = model.token_type_embeddings.data() + kind * columns;
  for (size_t i = 0; i < columns; ++i) row[i] += type[i];
}

// The position of each token of a text, asked for in their order.
class Positions {
 public:
  explicit Positions(const EncoderConfig& config)
      : padding_id_(config.padding_id), next_(config.first_position()) {}

  size_t next(uint32_t id) { return id == padding_id_ ? id : next_++; }

 private:
  std::optional<uint32_t> padding_id_;
  size_t next_;
};

// One chunk on its way through the layers.
class ChunkEncoder {
 public:
  ChunkEncoder(const PackedModel& model, const CpuKernels& kernels, const TokenBatch& chunk,
               EncoderBuffers& buffers, const YieldGate& gate)
      : model_(model),
        kernels_(kernels),
        chunk_(chunk),
        buffers_(buffers),
        gate_(gate),
        first_token_(chunk.sequence_start.front()),
        tokens_(chunk.sequence_start.back() - first_token_) {
    ENSURE(tokens_ <= buffers.chunk_tokens());
  }

  void run() {
    embed();
    for (const PackedLayer& layer : model_.layers) {
      project_heads(layer);
      for (size_t text = 0; text < chunk_.texts(); ++text) {
        attend(model_, kernels_, start(text), start(text + 1) - start(text), buffers_, gate_);
      }
      for_each_block([&](size_t row, size_t rows) { finish_layer(layer, row, rows); });
    }
  }

 private:
  // Of a text, within the chunk.
  size_t start(size_t text) const { return chunk_.sequence_start[text] - first_token_; }

  // Blocks of nearly equal height: a low one at the end would cost as many weight reads as a full
  // one.
  template <class Function>
  void for_each_block(Function function) {
    for (size_t row = 0; row < tokens_;) {
      const size_t rows = tile_height(tokens_ - row, buffers_.block_rows());
      function(row, rows);
      row += rows;
    }
  }

  void embed() {
    for (size_t text = 0; text < chunk_.texts(); ++text) {
      const size_t length = start(text + 1) - start(text);
      ENSURE(length > 0);
      ENSURE(length <= buffers_.text_tokens());
      Positions positions(model_.config);
      for (size_t row = start(text); row < start(text + 1); ++row) {
        const size_t token = first_token_ + row;
        add_embeddings(model_, chunk_, token, positions.next(chunk_.ids[token]),
                       buffers_.hidden().row(row));
      }
    }
    normalize(model_.embedding_norm, 0, tokens_);
  }

  void normalize(const PackedNorm& norm, size_t row, size_t rows) {
    for (size_t end = row + rows; row < end; ++row) {
      kernels_.normalize_layer(buffers_.hidden().row(row), norm.gamma.data(), norm.beta.data(),
                               model_.shape.hidden, model_.config.layer_norm_epsilon);
      gate_.pass();
    }
  }

  void project_heads(const PackedLayer& layer) {
    for_each_block([&](size_t row, size_t rows) {
      const size_t head_padded = model_.shape.head_padded;
      const Destination heads = {.data = buffers_.head(0, 0) + row * head_padded,
                                 .stride = head_padded,
                                 .columns = head_padded,
                                 .block_stride = buffers_.head_stride(),
                                 .epilogue = Epilogue::bias};
      apply_linear(kernels_, layer.query_key_value, rows_from(buffers_.hidden(), row), rows, heads,
                   gate_);
    });
  }

  // All that follows attention in a layer, for one block of rows.
  void finish_layer(const PackedLayer& layer, size_t row, size_t rows) {
    const Rows hidden = rows_from(buffers_.hidden(), row);
    const Rows wide = buffers_.intermediate();
    apply_linear(kernels_, layer.attention_output, rows_from(buffers_.context(), row), rows,
                 whole(hidden, Epilogue::bias_residual), gate_);
    normalize(layer.attention_norm, row, rows);
    apply_linear(kernels_, layer.intermediate, hidden, rows, whole(wide, Epilogue::bias_gelu),
                 gate_);
    apply_linear(kernels_, layer.output, wide, rows, whole(hidden, Epilogue::bias_residual), gate_);
    normalize(layer.output_norm, row, rows);
  }

  static Rows rows_from(const Rows& rows, size_t first) { return {rows.row(first), rows.stride}; }
  static Destination whole(const Rows& rows, Epilogue epilogue) {
    return {.data = rows.data,
            .stride = rows.stride,
            .columns = rows.stride,
            .block_stride = 0,
            .epilogue = epilogue};
  }

  const PackedModel& model_;
  const CpuKernels& kernels_;
  const TokenBatch& chunk_;
  EncoderBuffers& buffers_;
  const YieldGate& gate_;
  size_t first_token_;
  size_t tokens_;
};

}  // namespace

EncoderBuffers::EncoderBuffers(const EncoderShape& shape, const CpuKernels& kernels,
                               size_t chunk_tokens, size_t text_tokens)
    : shape_(shape),
      chunk_tokens_(chunk_tokens),
      text_tokens_(text_tokens),
      block_rows_(rows_of_block(row_stride(shape.intermediate), kernels.tile_rows_max)),
      hidden_stride_(row_stride(shape.hidden)),
      context_stride_(row_stride(shape.heads * shape.head_padded)),
      intermediate_stride_(row_stride(shape.intermediate)),
      scores_stride_(row_stride(text_tokens)),
      hidden_(chunk_tokens * hidden_stride_),
      heads_(3 * shape.heads * head_stride()),
      context_(chunk_tokens * context_stride_),
      intermediate_(std::min(block_rows_, chunk_tokens) * intermediate_stride_),
      keys_(round_up(text_tokens, column_padding) * shape.head_padded),
      scores_(kernels.tile_rows_max * scores_stride_),
      row_scale_(kernels.tile_rows_max) {}

size_t EncoderBuffers::bytes() const {
  return hidden_.bytes() + heads_.bytes() + context_.bytes() + intermediate_.bytes() +
         keys_.bytes() + scores_.bytes() + row_scale_.bytes();
}

void encode_chunk(const PackedModel& model, const CpuKernels& kernels, const TokenBatch& chunk,
                  EncoderBuffers& buffers, const YieldGate& gate) {
  ChunkEncoder(model, kernels, chunk, buffers, gate).run();
}

}  // namespace hilo
