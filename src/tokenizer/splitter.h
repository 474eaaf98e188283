// Finds the words of a stretch of text by the class of each byte, 64 bytes at a time.
//
//   text       C a f é       n o i r ,   o k !          é is two bytes
//   normalized c a f é       n o i r     o k            (in the stretch's own memory)
//   in_word    1 1 1 1 1 . . 1 1 1 1 . . 1 1 .          one bit a byte
//   alone      . . . . . . . . . . . 1 . . . 1          punctuation: a word by itself
//   hard       . . . 1 1 . . . . . . . . . . .          the word needs the Normalizer
//
// A word begins where in_word begins to be set and ends before it ceases to be, also across blocks;
// each bit of alone is one more word. ASCII whitespace and punctuation part words whatever stands
// around them, so a hard word can be normalized without its neighbours.
//
// This header is compiled into files with wide-vector flags. It must hold no inline function: the
// linker would keep one copy for the whole program, perhaps the one this machine cannot run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hilo {

inline constexpr uint32_t block_bytes = 64;
inline constexpr uint32_t stretch_blocks_max = 32;
inline constexpr uint32_t stretch_bytes_max = stretch_blocks_max * block_bytes;

// What an ASCII byte is. A byte of no class is part of a word; so is a hard one, and so are bytes
// that are not ASCII, which are hard.
inline constexpr uint8_t byte_is_space = 1;
inline constexpr uint8_t byte_is_alone = 2;
inline constexpr uint8_t byte_is_hard = 4;

struct ByteClasses {
  alignas(64) uint8_t classes[128];
  alignas(64) uint8_t normalized[128];  // what it becomes; hard ones stay
};

struct Stretch {
  // What a key of the word cache reads behind the end is here, too.
  alignas(64) char normalized[stretch_bytes_max + block_bytes];
  uint64_t in_word[stretch_blocks_max];
  uint64_t alone[stretch_blocks_max];
  uint64_t hard[stretch_blocks_max];
};

// Fills `stretch` for 1 to stretch_bytes_max bytes of text; in the last block, bytes behind the end
// count as spaces. Reads each byte of `text` once: it may change meanwhile.
using Splitter = void (*)(const ByteClasses& classes, const char* text, size_t bytes,
                          Stretch& stretch);

void split_scalar(const ByteClasses& classes, const char* text, size_t bytes, Stretch& stretch);
#if defined(__x86_64__)
void split_avx2(const ByteClasses& classes, const char* text, size_t bytes, Stretch& stretch);
void split_avx512_vbmi(const ByteClasses& classes, const char* text, size_t bytes,
                       Stretch& stretch);
#endif

}  // namespace hilo
