#include "backend/cpu/encoder.h"

#include <algorithm>
#include <optional>
#include <unistd.h>

#include "backend/cpu/linear.h"
#include "base/ensure.h"

namespace hilo {
namespace {

// As many rows as keep their wide intermediate rows within half of the core's own cache, since
// weights and results pass through it as well. With half as many, all weights come from memory
// twice as often.
size_t rows_of_block(const Matrix& intermediate_row, size_t tile_rows) {
  constexpr size_t cache_bytes_usual = size_t{1} << 20;
  const long asked = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
  const size_t cache_bytes = asked > 0 ? static_cast<size_t>(asked) : cache_bytes_usual;
  const size_t rows = cache_bytes / 2 / intermediate_row.row_bytes();
  return std::max(rows / tile_rows, size_t{2}) * tile_rows;
}

void add_embeddings(const PackedModel& model, const TokenBatch& chunk, size_t token,
                    size_t position, float* row) {
  const size_t columns = model.shape.hidden;
  model.word_embeddings.read(chunk.ids[token], row);
  const float* place = model.position_embeddings.data() + position * columns;
  for (size_t i = 0; i < columns; ++i) row[i] += place[i];
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
               EncoderBuffers& buffers, const EncoderThread& thread)
      : model_(model),
        kernels_(kernels),
        chunk_(chunk),
        buffers_(buffers),
        scratch_(thread.scratch),
        member_(thread.member),
        gate_(thread.gate),
        first_token_(chunk.sequence_start.front()),
        tokens_(chunk.sequence_start.back() - first_token_) {
    ENSURE(tokens_ <= buffers.limits().chunk_tokens);
  }

  void run() {
    embed();
    const std::vector<PackedLayer>& layers = model_.layers;
    for (size_t i = 0; i < layers.size() && !gate_.is_abandoned(); ++i) {
      const PackedLayer& next = layers[(i + 1) % layers.size()];  // The next chunk begins again.
      project_heads(layers[i]);
      attend_all();
      for_each_block([&](size_t row, size_t rows) { finish_layer(layers[i], next, row, rows); });
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

  // Every step below is shared: function(first, end) for parts of `count`.
  template <class Function>
  void share_range(size_t count, Function function) {
    const size_t parts = std::min(count, member_.parts());
    member_.share(parts,
                  [&](size_t part) { function(count * part / parts, count * (part + 1) / parts); });
  }

  void embed() {
    member_.share(chunk_.texts(), [&](size_t text) {
      const size_t length = start(text + 1) - start(text);
      ENSURE(length > 0);
      ENSURE(length <= buffers_.limits().text_tokens);
      Positions positions(model_.config);
      for (size_t row = start(text); row < start(text + 1); ++row) {
        const size_t token = first_token_ + row;
        add_embeddings(model_, chunk_, token, positions.next(chunk_.ids[token]),
                       buffers_.hidden().floats(row));
      }
    });
    normalize(model_.embedding_norm, 0, tokens_, buffers_.query_operand());
  }

  // The rows of hidden(), and what they are as an operand of what follows.
  void normalize(const PackedNorm& norm, size_t first, size_t rows, const Operand& operand) {
    const Matrix hidden = buffers_.hidden();
    share_range(rows, [&](size_t row, size_t end) {
      for (; row < end; ++row) {
        kernels_.normalize_layer(hidden.floats(first + row), norm.gamma.data(), norm.beta.data(),
                                 model_.shape.hidden, model_.config.layer_norm_epsilon);
        narrow(hidden, operand, model_.shape.hidden, first + row);
        if (!gate_.pass()) return;
      }
    });
  }

  void narrow(const Matrix& from, const Operand& to, size_t columns, size_t row) {
    if (from.data == to.matrix.data) return;
    narrow_row(kernels_, from, round_up(columns, column_padding), to, row);
  }

  void narrow_rows(const Matrix& from, const Operand& to, size_t columns, size_t first,
                   size_t rows) {
    if (from.data == to.matrix.data) return;
    share_range(rows, [&](size_t row, size_t end) {
      for (; row < end; ++row) {
        narrow(from, to, columns, first + row);
        if (!gate_.pass()) return;
      }
    });
  }

  void project_heads(const PackedLayer& layer) {
    const HeadBlocks heads = buffers_.heads();
    for_each_block([&](size_t row, size_t rows) {
      const Destination to = {.to = heads.block(0, 0).from(row),
                              .columns = model_.shape.head_padded,
                              .block_stride = heads.block_numbers(),
                              .epilogue = Epilogue::bias};
      apply(layer.query_key_value, layer.attention_output,
            {buffers_.query_operand().from(row), rows}, to);
    });
  }

  void attend_all() {
    const size_t heads = model_.shape.heads;
    member_.share(chunk_.texts() * heads, [&](size_t item) {
      const size_t text = item / heads;
      const HeadBlocks blocks = buffers_.heads();
      const HeadOfText head{.blocks = blocks,
                            .head = item % heads,
                            .first = start(text),
                            .tokens = start(text + 1) - start(text)};
      attend(model_, kernels_, head, buffers_.context(), scratch_, gate_);
    });
  }

  // All that follows attention in a layer, for one block of rows.
  void finish_layer(const PackedLayer& layer, const PackedLayer& next, size_t row, size_t rows) {
    const Matrix hidden = buffers_.hidden().from(row);
    const Matrix wide = buffers_.intermediate();
    narrow_rows(buffers_.context(), buffers_.context_operand(), context_columns(), row, rows);
    apply(layer.attention_output, layer.intermediate, {buffers_.context_operand().from(row), rows},
          whole(hidden, Epilogue::bias_residual));
    normalize(layer.attention_norm, row, rows, buffers_.hidden_operand());
    apply(layer.intermediate, layer.output, {buffers_.hidden_operand().from(row), rows},
          whole(wide, Epilogue::bias_gelu));
    narrow_rows(wide, buffers_.intermediate_operand(), model_.shape.intermediate, 0, rows);
    apply(layer.output, next.query_key_value, {buffers_.intermediate_operand(), rows},
          whole(hidden, Epilogue::bias_residual));
    normalize(layer.output_norm, row, rows, buffers_.query_operand());
  }

  // `next` is what will be applied after it: each thread fetches the beginning of its part in time.
  void apply(const PackedLinear& linear, const PackedLinear& next, const InputRows& input,
             const Destination& destination) {
    share_range(linear.panels(), [&](size_t first, size_t end) {
      const size_t next_first = next.panels() * first / linear.panels();
      apply_linear(kernels_, linear, {first, end, next.panel(next_first)}, input, destination,
                   gate_);
    });
  }

  size_t context_columns() const { return model_.shape.heads * model_.shape.head_padded; }

  static Destination whole(const Matrix& to, Epilogue epilogue) {
    return {.to = to, .columns = to.stride, .block_stride = 0, .epilogue = epilogue};
  }

  const PackedModel& model_;
  const CpuKernels& kernels_;
  const TokenBatch& chunk_;
  EncoderBuffers& buffers_;
  AttentionScratch& scratch_;
  Crew::Member& member_;
  const YieldGate& gate_;
  size_t first_token_;
  size_t tokens_;
};

}  // namespace

EncoderBuffers::EncoderBuffers(const EncoderShape& shape, const CpuKernels& kernels,
                               const ModelPrecision& precision, const EncoderLimits& limits)
    : shape_(shape),
      limits_(limits),
      attention_precision_(precision.attention),
      heads_(HeadBlocks::bytes(attention_precision_, limits.chunk_tokens, shape)) {
  const size_t tokens = limits.chunk_tokens;
  // What no row needs as a whole leaves its product in the weights' precision at once.
  const Precision between =
      precision.weights == Precision::bf16 ? Precision::bf16 : Precision::fp32;
  hidden_ = Activations(Precision::fp32, tokens, shape.hidden);
  context_ = Activations(between, tokens, shape.heads * shape.head_padded);
  block_rows_ = rows_of_block(Activations(between, 1, shape.intermediate).matrix(),
                              kernel_for(kernels, precision.weights).rows_max);
  const size_t block = std::min(block_rows_, tokens);
  intermediate_ = Activations(between, block, shape.intermediate);
  if (precision.weights == Precision::fp32) return;
  narrow_hidden_ = Activations(precision.weights, tokens,
                               std::max(shape.hidden, shape.heads * shape.head_padded));
  if (precision.queries != precision.weights)
    narrow_queries_ = Activations(precision.queries, tokens, shape.hidden);
  if (precision.weights == Precision::int8)
    narrow_intermediate_ = Activations(precision.weights, block, shape.intermediate);
}

size_t EncoderBuffers::bytes() const {
  return heads_.bytes() + hidden_.bytes() + context_.bytes() + intermediate_.bytes() +
         narrow_hidden_.bytes() + narrow_queries_.bytes() + narrow_intermediate_.bytes();
}

void encode_chunk(const PackedModel& model, const CpuKernels& kernels, const TokenBatch& chunk,
                  EncoderBuffers& buffers, const EncoderThread& thread) {
  if (kernels.begin != nullptr) kernels.begin();
  ChunkEncoder(model, kernels, chunk, buffers, thread).run();
  if (kernels.end != nullptr) kernels.end();
}

}  // namespace hilo
