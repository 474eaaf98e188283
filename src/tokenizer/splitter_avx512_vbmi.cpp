// AVX-512 with VBMI: a table of 128 bytes fits two registers, and one instruction looks 64 bytes
// up.
#if defined(__x86_64__)
#include <immintrin.h>

#include "tokenizer/splitter.h"

namespace hilo {

void split_avx512_vbmi(const ByteClasses& classes, const char* text, size_t bytes,
                       Stretch& stretch) {
  const __m512i classes_low = _mm512_load_si512(classes.classes);
  const __m512i classes_high = _mm512_load_si512(classes.classes + 64);
  const __m512i normalized_low = _mm512_load_si512(classes.normalized);
  const __m512i normalized_high = _mm512_load_si512(classes.normalized + 64);
  const __m512i space = _mm512_set1_epi8(' ');
  const __m512i separates = _mm512_set1_epi8(byte_is_space | byte_is_alone);
  for (size_t begin = 0; begin < bytes; begin += block_bytes) {
    const size_t left = bytes - begin;
    const __mmask64 inside = left < block_bytes ? (__mmask64{1} << left) - 1 : ~__mmask64{0};
    const __m512i block = _mm512_mask_loadu_epi8(space, inside, text + begin);
    // The look-up takes the low seven bits of a byte, so the others are put right afterwards.
    const __mmask64 ascii = ~_mm512_movepi8_mask(block);
    const __m512i kind = _mm512_permutex2var_epi8(classes_low, block, classes_high);
    const __m512i normalized = _mm512_mask_mov_epi8(
        block, ascii, _mm512_permutex2var_epi8(normalized_low, block, normalized_high));
    _mm512_store_si512(stretch.normalized + begin, normalized);
    stretch.in_word[begin / block_bytes] = ~_mm512_mask_test_epi8_mask(ascii, kind, separates);
    stretch.alone[begin / block_bytes] =
        _mm512_mask_test_epi8_mask(ascii, kind, _mm512_set1_epi8(byte_is_alone));
    stretch.hard[begin / block_bytes] =
        ~_mm512_mask_testn_epi8_mask(ascii, kind, _mm512_set1_epi8(byte_is_hard));
  }
}

}  // namespace hilo
#endif
