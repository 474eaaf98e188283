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

#include "backend/cpu/cache_line.h"
#include "backend/cpu/precision.h"

namespace hilo {

// Four bytes of an operand, the step in which every product walks along its depth: one float, two
// bf16 or four 8-bit integers. Operands of all precisions so have one layout and one loop.
struct Group {
  uint8_t bytes[4];
};

using Bf16 = uint16_t;  // the upper half of a float's bits

// What happens to a sum before it is stored.
enum class Epilogue : uint32_t {
  none,
  scale_rows,     // times row_scale[row]
  bias,           // plus bias[column]
  bias_gelu,      // plus bias[column], then GELU by erf
  bias_residual,  // plus bias[column] and residual[row][column]
};

// What a later call needs, fetched into the cache meanwhile: so many bytes, at most a cache line,
// in each step of depth. It may end behind what can be read.
struct Upcoming {
  const uint8_t* data = nullptr;
  size_t step_bytes = 0;
};

// A few rows of `left` times consecutive panels of `right`, each `panel_columns` wide:
//
//            depth                 panel_columns
//        +------------+            +----+----+
//   rows |    left    |     depth  |    |    |  panels      ->   out: rows x (panels * columns)
//        +------------+            |    |    |
//                                  +----+----+
//
// A panel's row k holds the k-th group of every column side by side. Strides count groups.
struct Product {
  size_t rows = 0;   // 1 to ProductKernel::rows_max
  size_t depth = 0;  // groups, at least 1; in bf16 and int8 a multiple of 16, for AMX reads as many
  size_t panels = 0;  // at least 1
  const Group* left = nullptr;
  size_t left_stride = 0;
  const Group* right = nullptr;  // row k of a panel begins at right + k * right_stride
  size_t right_stride = 0;
  size_t panel_stride = 0;  // from one panel to the next
  Upcoming upcoming = {};
  void* out = nullptr;                        // float or Bf16
  size_t out_stride = 0;                      // elements
  Precision out_precision = Precision::fp32;  // fp32 or bf16
  Epilogue epilogue = Epilogue::none;
  const float* bias = nullptr;      // one for each column
  const float* residual = nullptr;  // rows out_stride apart; may be `out`
  // One for each row. In int8 both belong to `left` (see RowScale) and no epilogue scales again.
  const float* row_scale = nullptr;
  const float* row_offset = nullptr;
  // One for each column, in int8 only: a weight is column_scale times its integer, and
  // column_offset is column_scale times the sum of the column's integers.
  const float* column_scale = nullptr;
  const float* column_offset = nullptr;
};

struct ProductKernel {
  size_t rows_max;  // of a tile
  // Reads left in tiles of rows_max rows: what lies behind the last row is read, but not used.
  void (*multiply)(const Product& product);
};

// How a row was turned into integers: value = scale * integer - offset.
struct RowScale {
  float scale;
  float offset;
};

struct CpuKernels {
  size_t panel_columns;  // divides column_padding

  ProductKernel fp32;
  ProductKernel bf16;  // multiply is null where the machine has no such instructions
  ProductKernel int8;

  // Around each series of calls on a thread; null where a level keeps no state in the thread.
  void (*begin)();
  void (*end)();

  // Copies `count` <= panel_columns rows of `depth` groups into one panel: row r becomes column r.
  // Columns from `count` on become zero. Rows are padded to a multiple of 16 groups; the panel has
  // room for as many rows, and those behind `depth` may be written.
  void (*transpose_into_panel)(const Group* rows, size_t row_stride, size_t count, size_t depth,
                               Group* panel);

  // Makes panels of `columns` (a multiple of column_padding) columns and `count` rows of bf16: a
  // group is the same column of two rows. Rows from `count` up to a multiple of 32 become zero.
  void (*pair_into_panels)(const Bf16* rows, size_t row_stride, size_t count, size_t columns,
                           Group* panels);

  // scores[i] becomes exp(scale * (scores[i] - largest)). Returns one over their sum. There is room
  // for `count` rounded up to column_padding; what lies behind `count` is overwritten.
  float (*exponentiate)(float* scores, size_t count, float scale);
  // The same into `powers`, with zeros up to a multiple of column_padding.
  float (*exponentiate_to_bf16)(float* scores, size_t count, float scale, Bf16* powers);

  // Brings a row to mean 0 and variance 1, then times gamma, plus beta. Row, gamma and beta are
  // padded with zeros to a multiple of column_padding, and the row stays so.
  void (*normalize_layer)(float* row, const float* gamma, const float* beta, size_t columns,
                          float epsilon);

  // A row of `columns` floats, a multiple of column_padding, in another precision. The integers
  // span the row's smallest to its largest number, and 0 is one of them.
  void (*narrow_to_bf16)(const float* row, size_t columns, Bf16* out);
  RowScale (*narrow_to_int8)(const float* row, size_t columns, uint8_t* out);
};

// Rows of activations and weights are padded to a multiple of this many floats.
inline constexpr size_t column_padding = 32;

extern const CpuKernels scalar_kernels;
#if defined(__x86_64__)
extern const CpuKernels avx2_kernels;
extern const CpuKernels avx512_kernels;
extern const CpuKernels avx512_vnni_kernels;
extern const CpuKernels avx512_bf16_kernels;
extern const CpuKernels amx_kernels;
#endif

}  // namespace hilo
