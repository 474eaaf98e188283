// The normal forms NFC, NFD, NFKC and NFKD of Unicode 9.0, the version of the reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/rewriter.h"

namespace hilo {

enum class NormalForm : uint32_t { nfc, nfd, nfkc, nfkd };

// No character becomes more than this many times its bytes.
inline constexpr size_t normal_form_growth_max = 11;

// A run of characters that act on each other, while it is put in order.
struct NormalFormScratch {
  struct Mark {
    char32_t character;
    uint8_t combining_class;
    int32_t change;  // as a Rewriter counts
  };
  std::vector<Mark> run;
  std::vector<Mark> sorted;
};

// `text` is valid UTF-8 and what comes next in the text that is rewritten.
void normalize_to(NormalForm form, std::string_view text, NormalFormScratch& scratch,
                  Rewriter& normalized);

}  // namespace hilo
