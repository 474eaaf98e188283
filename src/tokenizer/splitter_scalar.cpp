// The splitter that defines what is correct.
#include "tokenizer/splitter.h"

namespace hilo {

void split_scalar(const ByteClasses& classes, const char* text, size_t bytes, Stretch& stretch) {
  for (size_t begin = 0; begin < bytes; begin += block_bytes) {
    uint64_t in_word = 0;
    uint64_t alone = 0;
    uint64_t hard = 0;
    const size_t end = bytes - begin < block_bytes ? bytes : begin + block_bytes;
    for (size_t at = begin; at < end; ++at) {
      const auto byte = static_cast<uint8_t>(text[at]);
      const bool is_ascii = byte < 0x80;
      const uint8_t kind = is_ascii ? classes.classes[byte] : byte_is_hard;
      const uint64_t bit = uint64_t{1} << (at - begin);
      if ((kind & (byte_is_space | byte_is_alone)) == 0) in_word |= bit;
      if ((kind & byte_is_alone) != 0) alone |= bit;
      if ((kind & byte_is_hard) != 0) hard |= bit;
      stretch.normalized[at] = static_cast<char>(is_ascii ? classes.normalized[byte] : byte);
    }
    stretch.in_word[begin / block_bytes] = in_word;
    stretch.alone[begin / block_bytes] = alone;
    stretch.hard[begin / block_bytes] = hard;
  }
}

}  // namespace hilo
