// AVX2: a table of 128 bytes is eight rows of 16, and a shuffle looks 32 bytes up in one of them.
#if defined(__x86_64__)
#include <immintrin.h>

#include "tokenizer/splitter.h"

namespace hilo {
namespace {

constexpr size_t vector_bytes = 32;
constexpr int row_count = 8;
constexpr int row_bytes = 16;

struct Found {
  __m256i kind;
  __m256i normalized;
};

// 0 for bytes that are not ASCII.
Found look_up(const ByteClasses& classes, __m256i bytes) {
  Found found{_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 8
  for (int row = 0; row < row_count; ++row) {
    const auto row_of = [row](const uint8_t* table) {
      return _mm256_broadcastsi128_si256(
          _mm_load_si128(reinterpret_cast<const __m128i*>(table + row * row_bytes)));
    };
    // A shuffle gives 0 where an index has its high bit: here all bytes but those of this row.
    const __m256i from_row =
        _mm256_xor_si256(bytes, _mm256_set1_epi8(static_cast<char>(row * row_bytes)));
    const __m256i index = _mm256_adds_epu8(from_row, _mm256_set1_epi8(0x70));
    found.kind = _mm256_or_si256(found.kind, _mm256_shuffle_epi8(row_of(classes.classes), index));
    found.normalized =
        _mm256_or_si256(found.normalized, _mm256_shuffle_epi8(row_of(classes.normalized), index));
  }
  return found;
}

// The bit of `kind` that `shift` moves into the sign, of each byte.
template <int shift>
uint64_t bits_of(__m256i kind) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(kind, shift)));
}

void split_vector(const ByteClasses& classes, __m256i bytes, size_t begin, Stretch& stretch) {
  const auto not_ascii = uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(bytes))};
  const Found found = look_up(classes, bytes);
  _mm256_store_si256(reinterpret_cast<__m256i*>(stretch.normalized + begin),
                     _mm256_blendv_epi8(found.normalized, bytes, bytes));
  const uint64_t space = bits_of<7>(found.kind);
  const uint64_t alone = bits_of<6>(found.kind);
  const uint64_t hard = bits_of<5>(found.kind);
  const size_t block = begin / block_bytes;
  const size_t shift = begin % block_bytes;
  stretch.in_word[block] |= (~(space | alone) & 0xFFFFFFFF) << shift;
  stretch.alone[block] |= alone << shift;
  stretch.hard[block] |= (hard | not_ascii) << shift;
}

__m256i load_tail(const char* text, size_t bytes) {
  alignas(vector_bytes) char padded[vector_bytes];
  for (size_t at = 0; at < vector_bytes; ++at) padded[at] = at < bytes ? text[at] : ' ';
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(padded));
}

}  // namespace

void split_avx2(const ByteClasses& classes, const char* text, size_t bytes, Stretch& stretch) {
  for (size_t block = 0; block * block_bytes < bytes; ++block) {
    stretch.in_word[block] = stretch.alone[block] = stretch.hard[block] = 0;
  }
  size_t begin = 0;
  for (; bytes - begin >= vector_bytes; begin += vector_bytes) {
    split_vector(classes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + begin)), begin,
                 stretch);
  }
  if (begin < bytes) split_vector(classes, load_tail(text + begin, bytes - begin), begin, stretch);
}

}  // namespace hilo
#endif
