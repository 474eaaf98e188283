#include "base/last_error.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace hilo {

namespace {

constexpr size_t sentence_bytes_max = 1023;

// A fixed array rather than a string: an error must be tellable when memory has run out.
thread_local std::array<char, sentence_bytes_max + 1> sentence_of_thread{};

size_t cut_at_boundary(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  size_t cut = bytes_max;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return cut;
}

}  // namespace

void set_last_error(std::string_view sentence) noexcept {
  const size_t bytes = cut_at_boundary(sentence, sentence_bytes_max);
  std::copy_n(sentence.begin(), bytes, sentence_of_thread.begin());
  sentence_of_thread[bytes] = '\0';
}

const char* last_error() noexcept { return sentence_of_thread.data(); }

}  // namespace hilo
