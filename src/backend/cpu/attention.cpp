#include "backend/cpu/attention.h"

#include <algorithm>

namespace hilo {
namespace {

struct HeadView {
  size_t index;
  const float* queries;
  const float* keys;
  const float* values;
  float* context;
};

void pack_keys(const EncoderShape& shape, const CpuKernels& kernels, const float* keys,
               size_t tokens, float* panels, const YieldGate& gate) {
  for (size_t first = 0; first < tokens; first += kernels.panel_columns) {
    const size_t count = std::min(tokens - first, kernels.panel_columns);
    kernels.transpose_into_panel(keys + first * shape.head_padded, shape.head_padded, count,
                                 shape.head, panels + first * shape.head_padded);
    gate.pass();
  }
}

void attend_head(const PackedModel& model, const CpuKernels& kernels, const HeadView& head,
                 size_t tokens, EncoderBuffers& buffers, const YieldGate& gate) {
  const EncoderShape& shape = model.shape;
  const size_t stride = shape.head_padded;
  const float scale = shape.score_scale();
  const Rows scores = buffers.scores();
  const Rows context = buffers.context();
  pack_keys(shape, kernels, head.keys, tokens, buffers.keys(), gate);
  Product score = {
      .depth = shape.head,
      .panels = (tokens + kernels.panel_columns - 1) / kernels.panel_columns,
      .left_stride = stride,
      .right = buffers.keys(),
      .right_stride = kernels.panel_columns,
      .panel_stride = kernels.panel_columns * stride,
      .out = scores.data,
      .out_stride = scores.stride,
      .epilogue = Epilogue::none,
  };
  Product mix = {
      .depth = tokens,
      .panels = stride / kernels.panel_columns,
      .left = scores.data,
      .left_stride = scores.stride,
      .right = head.values,
      .right_stride = stride,
      .panel_stride = kernels.panel_columns,
      .out_stride = context.stride,
      .epilogue = Epilogue::scale_rows,
      .row_scale = buffers.row_scale(),
  };
  for (size_t row = 0; row < tokens;) {
    score.rows = mix.rows = tile_height(tokens - row, kernels.tile_rows_max);
    score.left = head.queries + row * stride;
    mix.out = head.context + row * context.stride;
    kernels.multiply(score);
    for (size_t i = 0; i < score.rows; ++i) {
      if (!model.relative_bias.empty()) {
        model.relative_bias.add(head.index, row + i, tokens, scores.row(i));
      }
      buffers.row_scale()[i] = kernels.exponentiate(scores.row(i), tokens, scale);
    }
    kernels.multiply(mix);
    gate.pass();
    row += score.rows;
  }
}

}  // namespace

void attend(const PackedModel& model, const CpuKernels& kernels, size_t first, size_t tokens,
            EncoderBuffers& buffers, const YieldGate& gate) {
  const EncoderShape& shape = model.shape;
  const size_t offset = first * shape.head_padded;
  for (size_t head = 0; head < shape.heads; ++head) {
    const HeadView view = {
        .index = head,
        .queries = buffers.head(0, head) + offset,
        .keys = buffers.head(1, head) + offset,
        .values = buffers.head(2, head) + offset,
        .context = buffers.context().row(first) + head * shape.head_padded,
    };
    attend_head(model, kernels, view, tokens, buffers, gate);
  }
}

}  // namespace hilo
