// What a Replace step looks for: a text, or a run of it of so many or more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hilo {

struct TextPattern {
  std::string text = {};
  uint32_t run_min = 0;  // 0: each place of the text by itself

  struct Match {
    size_t begin;
    size_t end;
  };
  // The first at or after `from`.
  std::optional<Match> find(std::string_view in, size_t from) const;
};

}  // namespace hilo
