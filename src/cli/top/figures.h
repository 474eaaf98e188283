// Numbers as people read them, in few columns.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace hilo {

std::string duration(double ns);    // 812 us, 3.2 ms, 1.4 s, 12 min, 3 h; "-" for none
std::string count(double value);    // 7, 653, 12.0k, 3.1M
std::string percent(double share);  // 0.4 %, 88 %
std::string mebibytes(uint64_t bytes);

// One column a value, from nothing to the largest of them; the last `columns` values.
std::string sparkline(std::span<const double> values, size_t columns, bool unicode);

// Cut to so many columns. Control characters, which a program's name may have, become '?'.
std::string clipped(std::string_view text, size_t columns);

}  // namespace hilo
