#include "tokenizer/text_pattern.h"

namespace hilo {

std::optional<TextPattern::Match> TextPattern::find(std::string_view in, size_t from) const {
  for (size_t begin = in.find(text, from); begin != std::string_view::npos;
       begin = in.find(text, begin)) {
    size_t end = begin + text.size();
    if (run_min == 0) return Match{begin, end};
    uint32_t count = 1;
    while (in.substr(end).starts_with(text)) {
      end += text.size();
      ++count;
    }
    if (count >= run_min) return Match{begin, end};
    begin = end;
  }
  return std::nullopt;
}

}  // namespace hilo
