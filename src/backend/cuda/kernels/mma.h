// Products of small matrices by a whole warp, on a GPU's tensor cores (sm_80 and later): 16 x 16
// numbers of 16 bits times 16 x 8 of them, with sums in fp32. A lane holds words of two neighbours
// of a row of `left`, or of a column of `right`, the first in the lower half:
//
//                 row            columns
//   left word 0   group()        2 * member() and the next
//             1   group() + 8    the same
//             2   group()        2 * member() + 8 and the next
//             3   group() + 8    the same
//   sums 0, 1     group()        2 * member(), and the next
//        2, 3     group() + 8    the same
//
//                 column         rows
//   right word 0  group()        2 * member() and the next
//              1  group()        2 * member() + 8 and the next
#pragma once

#include "backend/cuda/kernels/numbers.h"

namespace hilo::simt {

constexpr uint32_t mma_rows = 16;
constexpr uint32_t mma_depth = 16;
constexpr uint32_t mma_columns = 8;
constexpr uint32_t members = 4;  // lanes that share the rows of `left` and of sums

SIMT_DEVICE uint32_t group() { return lane() / members; }
SIMT_DEVICE uint32_t member() { return lane() % members; }

struct MmaLeft {
  uint32_t word[4];
};
struct MmaRight {
  uint32_t word[2];
};

#ifdef __CUDACC__

#define HILO_MMA(type)                                                              \
  asm("mma.sync.aligned.m16n8k16.row.col.f32." type "." type                        \
      ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"        \
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])                  \
      : "r"(left.word[0]), "r"(left.word[1]), "r"(left.word[2]), "r"(left.word[3]), \
        "r"(right.word[0]), "r"(right.word[1]))

template <class Format>
SIMT_DEVICE void multiply_add(float (&sums)[4], const MmaLeft& left, const MmaRight& right) {
  if constexpr (std::is_same_v<Format, Bf16Format>)
    HILO_MMA("bf16");
  else
    HILO_MMA("f16");
}

#undef HILO_MMA

#else

template <class Format>
void multiply_add(float (&sums)[4], const MmaLeft& left, const MmaRight& right,
                  int line = __builtin_LINE()) {
  multiply_in_warp({left.word, right.word, sums, Format::widen}, line);
}

#endif

}  // namespace hilo::simt
