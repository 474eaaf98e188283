// The arithmetic of the encoder, one table of functions for each instruction set.
// kernels_scalar.cpp defines what is correct; the others are faster and agree with it to rounding.
//
// Every result element is summed in one fixed order that depends on nothing but its own row: a
// text's vector is therefore the same bits whatever shares its batch.
//
// This header is compiled into files with wide-vector flags. It must hold no inline function: the
// linker would keep one copy for the whole program, perhaps the one this machine cannot run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hilo {

// What happens to a sum before it is stored.
enum class Epilogue : uint32_t {
  none,
  scale_rows,     // times row_scale[row]
  bias,           // plus bias[column]
  bias_gelu,      // plus bias[column], then GELU by erf
  bias_residual,  // plus bias[column] and residual[row][column]
};

// A few rows of `left` times consecutive panels of `right`, each `panel_columns` wide:
//
//            depth                 panel_columns
//        +------------+            +----+----+
//   rows |    left    |     depth  |    |    |  panels      ->   out: rows x (panels * columns)
//        +------------+            |    |    |
//                                  +----+----+
struct Product {
  size_t rows = 0;    // 1 to CpuKernels::tile_rows_max
  size_t depth = 0;   // at least 1
  size_t panels = 0;  // at least 1
  const float* left = nullptr;
  size_t left_stride = 0;
  const float* right = nullptr;  // row k of a panel begins at right + k * right_stride
  size_t right_stride = 0;
  size_t panel_stride = 0;  // from one panel to the next
  // What a later call needs, fetched into the cache meanwhile: one row of panel_columns floats
  // every `upcoming_interval` steps of depth. Null: nothing. Only with panels == 1.
  const float* upcoming = nullptr;
  size_t upcoming_interval = 1;
  float* out = nullptr;
  size_t out_stride = 0;
  Epilogue epilogue = Epilogue::none;
  const float* bias = nullptr;       // one for each column
  const float* residual = nullptr;   // may be `out`
  const float* row_scale = nullptr;  // one for each row
};

struct CpuKernels {
  size_t tile_rows_max;
  size_t panel_columns;  // divides column_padding

  void (*multiply)(const Product& product);

  // Copies `count` <= panel_columns rows of `depth` floats into one panel: row r becomes column r.
  // Columns from `count` on become zero. Rows are padded to a multiple of column_padding; the panel
  // has room for as many rows, and those behind `depth` may be written.
  void (*transpose_into_panel)(const float* rows, size_t row_stride, size_t count, size_t depth,
                               float* panel);

  // scores[i] becomes exp(scale * (scores[i] - largest)). Returns one over their sum. There is room
  // for `count` rounded up to column_padding; what lies behind `count` is overwritten.
  float (*exponentiate)(float* scores, size_t count, float scale);

  // Brings a row to mean 0 and variance 1, then times gamma, plus beta. Row, gamma and beta are
  // padded with zeros to a multiple of column_padding, and the row stays so.
  void (*normalize_layer)(float* row, const float* gamma, const float* beta, size_t columns,
                          float epsilon);
};

// Rows of activations and weights are padded to a multiple of this many floats.
inline constexpr size_t column_padding = 32;

extern const CpuKernels scalar_kernels;
#if defined(__x86_64__)
extern const CpuKernels avx2_kernels;
extern const CpuKernels avx512_kernels;
#endif

}  // namespace hilo
