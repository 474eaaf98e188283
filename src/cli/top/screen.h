// What `hilo top` shows, as lines of text. A pure function of what is known and how large the
// terminal is.
#pragma once

#include <string>
#include <vector>

#include "cli/top/history.h"

namespace hilo {

enum class Emphasis { none, heading, high, low, faint };

struct ScreenLine {
  std::string text;  // no wider than the screen
  Emphasis emphasis = Emphasis::none;
};

struct ScreenShape {
  size_t columns = 80;
  size_t rows = 24;
  bool unicode = true;
  bool curves = true;  // of the last minute; a table alone without
};

// At most `rows` lines. The history has two snapshots or more; figures are of its last `span`.
std::vector<ScreenLine> draw_screen(const History& history, Nanoseconds span,
                                    const ScreenShape& shape);

}  // namespace hilo
