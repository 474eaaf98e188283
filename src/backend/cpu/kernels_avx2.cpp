// AVX2 with FMA: 16 registers of 8 floats, so a tile of 6 x 16.
#if defined(__x86_64__)
#include <immintrin.h>
#include <type_traits>
#include <utility>

#include "backend/cpu/kernels.h"

namespace hilo {
namespace {

using Vector = __m256;
constexpr size_t width = 8;
constexpr size_t rows_max = 6;

inline Vector load(const float* from) { return _mm256_loadu_ps(from); }
inline void store(float* to, Vector v) { _mm256_storeu_ps(to, v); }
inline Vector broadcast(float x) { return _mm256_set1_ps(x); }
using AliasedFloat [[gnu::may_alias]] = float;
inline Vector load(const Group* from) {
  return _mm256_loadu_ps(reinterpret_cast<const AliasedFloat*>(from));
}
inline void store(Group* to, Vector v) { _mm256_storeu_ps(reinterpret_cast<AliasedFloat*>(to), v); }
// All four bytes of a group in every lane, whatever they hold.
inline Vector broadcast(const Group& group) {
  return _mm256_set1_ps(*reinterpret_cast<const AliasedFloat*>(&group));
}
inline Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
inline Vector subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
inline Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
inline Vector maximum(Vector a, Vector b) { return _mm256_max_ps(a, b); }
inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
inline Vector negative_multiply_add(Vector a, Vector b, Vector c) {
  return _mm256_fnmadd_ps(a, b, c);
}
inline Vector round_to_integer(Vector v) {
  return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// The exponent of 2^n, for n from -126 to 127, made as bits.
inline Vector times_power_of_two(Vector v, Vector n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_mul_ps(v, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}
inline float sum_of_lanes(Vector v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
inline float largest_lane(Vector v) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
inline Vector keep_first(Vector v, size_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i kept = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
  return _mm256_and_ps(v, _mm256_castsi256_ps(kept));
}

inline Vector minimum(Vector a, Vector b) { return _mm256_min_ps(a, b); }
inline float smallest_lane(Vector v) { return -largest_lane(_mm256_xor_ps(v, broadcast(-0.0F))); }
// Lanes that hold integers, as floats.
inline Vector float_of_integers(Vector v) { return _mm256_cvtepi32_ps(_mm256_castps_si256(v)); }

// To the nearest bf16, ties to even; no numbers here are infinite.
inline void store_bf16(Bf16* to, Vector v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i upper = _mm256_srli_epi32(rounded, 16);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(upper, upper), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
}

// Rounded to integers, plus `shift`, as bytes; what would exceed 255 becomes 255.
inline void store_bytes(uint8_t* to, Vector v, int shift) {
  const __m256i integers = _mm256_add_epi32(_mm256_cvtps_epi32(v), _mm256_set1_epi32(shift));
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(integers), _mm256_extracti128_si256(integers, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
}

// Products of four unsigned bytes with four signed ones, added to 32-bit integers: as 16-bit
// numbers, even bytes and odd ones. That is exact, where AVX2's product of bytes would overflow.
struct Int8Dot {
  static Vector add(Vector left, Vector right, Vector sum) {
    const __m256i l = _mm256_castps_si256(left);
    const __m256i r = _mm256_castps_si256(right);
    const __m256i even = _mm256_madd_epi16(_mm256_and_si256(l, _mm256_set1_epi16(0xff)),
                                           _mm256_srai_epi16(_mm256_slli_epi16(r, 8), 8));
    const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(l, 8), _mm256_srai_epi16(r, 8));
    const __m256i both = _mm256_add_epi32(even, odd);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), both));
  }
};

// A panel's width of two rows of bf16 as groups, each the same column of both.
inline void store_pairs(Group* to, const Bf16* row, const Bf16* next_row) {
  for (size_t i = 0; i < 2 * width; i += 8) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + i));
    const __m128i high = next_row != nullptr
                             ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(next_row + i))
                             : _mm_setzero_si128();
    auto* const pairs = reinterpret_cast<__m128i*>(to + i);
    _mm_storeu_si128(pairs, _mm_unpacklo_epi16(low, high));
    _mm_storeu_si128(pairs + 1, _mm_unpackhi_epi16(low, high));
  }
}

inline Vector exponential(Vector x);

// x/2 * (1 + erf(x / sqrt(2))), erf by Abramowitz and Stegun 7.1.26: within 1e-6 of exact.
inline Vector gelu(Vector x) {
  const Vector sign_bit = broadcast(-0.0F);
  const Vector size = _mm256_andnot_ps(sign_bit, x);
  const Vector z = multiply(size, broadcast(0.70710678F));
  const Vector t =
      _mm256_div_ps(broadcast(1.0F), multiply_add(z, broadcast(0.3275911F), broadcast(1.0F)));
  Vector p = broadcast(1.061405429F);
  p = multiply_add(p, t, broadcast(-1.453152027F));
  p = multiply_add(p, t, broadcast(1.421413741F));
  p = multiply_add(p, t, broadcast(-0.284496736F));
  p = multiply_add(p, t, broadcast(0.254829592F));
  const Vector tail =
      multiply(multiply(p, t), exponential(negative_multiply_add(z, z, broadcast(0.0F))));
  const Vector erf = subtract(broadcast(1.0F), tail);
  const Vector half = broadcast(0.5F);
  return multiply_add(multiply(size, half), erf, multiply(x, half));
}

// out[column][row] = rows[row][column] for 8 x 8; rows from `count` on are read as zero.
inline void transpose_block(const Group* rows, size_t row_stride, size_t count, Group* out,
                            size_t out_stride) {
  Vector v[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) v[i] = i < count ? load(rows + i * row_stride) : broadcast(0.0F);
  Vector pairs[8];
#pragma GCC unroll 4
  for (size_t i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
  }
  // quads[4 * g + c]: in each half h, column 4 * h + c of rows 4 * g to 4 * g + 3.
  Vector quads[8];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    const size_t from = i / 2 * 4 + i % 2;
    const __m256d low = _mm256_castps_pd(pairs[from]);
    const __m256d high = _mm256_castps_pd(pairs[from + 2]);
    quads[i * 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, high));
    quads[i * 2 + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, high));
  }
#pragma GCC unroll 4
  for (size_t c = 0; c < 4; ++c) {
    store(out + c * out_stride, _mm256_permute2f128_ps(quads[c], quads[c + 4], 0x20));
    store(out + (c + 4) * out_stride, _mm256_permute2f128_ps(quads[c], quads[c + 4], 0x31));
  }
}

#include "backend/cpu/product_simd.inc"

constexpr ProductKernel bf16_kernel = {.rows_max = rows_max, .multiply = nullptr};
constexpr ProductKernel int8_kernel = kernel_of<IntegerSums, Int8Dot>;
constexpr auto begin_thread = nullptr;
constexpr auto end_thread = nullptr;

#include "backend/cpu/rows_simd.inc"

}  // namespace

const CpuKernels avx2_kernels = kernels_of_this_level;

}  // namespace hilo
#endif
