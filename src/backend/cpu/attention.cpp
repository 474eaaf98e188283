#include "backend/cpu/attention.h"

#include <algorithm>

#include "backend/cpu/linear.h"

namespace hilo {
namespace {

// Keys are read in steps of this many by every kernel of products.
constexpr size_t keys_unit = 32;

// One head of one text, on its way from queries, keys and values to context.
class Head {
 public:
  Head(const PackedModel& model, const CpuKernels& kernels, const HeadOfText& of,
       AttentionScratch& scratch)
      : shape_(model.shape),
        relative_bias_(model.relative_bias),
        kernels_(kernels),
        kernel_(kernel_for(kernels, of.blocks.block(0, of.head).precision)),
        index_(of.head),
        queries_(of.blocks.block(0, of.head).from(of.first)),
        keys_(of.blocks.block(1, of.head).from(of.first)),
        values_(of.blocks.block(2, of.head).from(of.first)),
        tokens_(of.tokens),
        scratch_(scratch) {}

  size_t rows_max() const { return kernel_.rows_max; }

  void pack(const YieldGate& gate) {
    const size_t panel = kernels_.panel_columns;
    for (size_t first = 0; first < tokens_; first += panel) {
      const Matrix rows = keys_.from(first);
      kernels_.transpose_into_panel(rows.groups(), rows.groups_stride(),
                                    std::min(tokens_ - first, panel), depth(),
                                    scratch_.keys() + first * depth());
      if (!gate.pass()) return;
    }
    if (values_.precision == Precision::bf16)
      kernels_.pair_into_panels(values_.bf16s(0), values_.stride, tokens_, shape_.head_padded,
                                scratch_.values());
  }

  void attend_tile(size_t row, size_t rows, const Matrix& context) {
    score(row, rows);
    const float scale = shape_.score_scale();
    const Matrix scores = scratch_.scores();
    const Matrix powers = scratch_.powers();
    for (size_t i = 0; i < rows; ++i) {
      if (!relative_bias_.empty()) relative_bias_.add(index_, row + i, tokens_, scores.floats(i));
      scratch_.row_scale()[i] =
          powers.precision == Precision::bf16
              ? kernels_.exponentiate_to_bf16(scores.floats(i), tokens_, scale, powers.bf16s(i))
              : kernels_.exponentiate(scores.floats(i), tokens_, scale);
    }
    mix(rows, context);
  }

 private:
  size_t depth() const { return shape_.head_padded / numbers_in_group(queries_.precision); }

  // scores = queries x keys
  void score(size_t row, size_t rows) {
    const Matrix left = queries_.from(row);
    const Matrix scores = scratch_.scores();
    kernel_.multiply({
        .rows = rows,
        .depth = depth(),
        .panels = (tokens_ + kernels_.panel_columns - 1) / kernels_.panel_columns,
        .left = left.groups(),
        .left_stride = left.groups_stride(),
        .right = scratch_.keys(),
        .right_stride = kernels_.panel_columns,
        .panel_stride = kernels_.panel_columns * depth(),
        .out = scores.data,
        .out_stride = scores.stride,
        .epilogue = Epilogue::none,
    });
  }

  // context = powers x values, each row divided by the sum of its powers
  void mix(size_t rows, const Matrix& context) {
    const Matrix powers = scratch_.powers();
    const bool floats = values_.precision == Precision::fp32;
    const size_t keys_depth = round_up(tokens_, keys_unit) / 2;
    kernel_.multiply({
        .rows = rows,
        .depth = floats ? tokens_ : keys_depth,
        .panels = shape_.head_padded / kernels_.panel_columns,
        .left = powers.groups(),
        .left_stride = powers.groups_stride(),
        .right = floats ? values_.groups() : scratch_.values(),
        .right_stride = floats ? values_.groups_stride() : kernels_.panel_columns,
        .panel_stride = kernels_.panel_columns * (floats ? 1 : keys_depth),
        .out = context.data,
        .out_stride = context.stride,
        .out_precision = context.precision,
        .epilogue = Epilogue::scale_rows,
        .row_scale = scratch_.row_scale(),
    });
  }

  const EncoderShape& shape_;
  const RelativeBias& relative_bias_;
  const CpuKernels& kernels_;
  const ProductKernel& kernel_;
  size_t index_;
  Matrix queries_, keys_, values_;
  size_t tokens_;
  AttentionScratch& scratch_;
};

}  // namespace

AttentionScratch::AttentionScratch(const EncoderShape& shape, const CpuKernels& kernels,
                                   Precision precision, size_t text_tokens_max)
    : keys_(round_up(text_tokens_max, keys_unit) * round_up(shape.head_padded, keys_unit)),
      scores_(Precision::fp32, kernel_for(kernels, precision).rows_max, text_tokens_max),
      row_scale_(kernel_for(kernels, precision).rows_max) {
  if (precision == Precision::fp32) return;
  values_ = AlignedArray<Group>(round_up(text_tokens_max, keys_unit) / 2 * shape.head_padded);
  powers_ = Activations(precision, kernel_for(kernels, precision).rows_max, text_tokens_max);
}

size_t AttentionScratch::bytes() const {
  return keys_.bytes() + values_.bytes() + scores_.bytes() + powers_.bytes() + row_scale_.bytes();
}

void attend(const PackedModel& model, const CpuKernels& kernels, const HeadOfText& of,
            const Matrix& context, AttentionScratch& scratch, const YieldGate& gate) {
  Head head(model, kernels, of, scratch);
  head.pack(gate);
  const size_t column_bytes = of.head * model.shape.head_padded * bytes_of(context.precision);
  for (size_t row = 0; row < of.tokens;) {
    const size_t rows = tile_height(of.tokens - row, head.rows_max());
    Matrix to = context.from(of.first + row);
    to.data += column_bytes;
    head.attend_tile(row, rows, to);
    if (!gate.pass()) return;
    row += rows;
  }
}

}  // namespace hilo
