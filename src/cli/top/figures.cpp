#include "cli/top/figures.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace hilo {
namespace {

// Two digits or three, and what they count.
std::string scaled(double value, std::string_view unit) {
  return value < 9.95 ? fmt::format("{:.1f}{}", value, unit) : fmt::format("{:.0f}{}", value, unit);
}

constexpr std::array<std::string_view, 9> blocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 9> letters{" ", "_", ".", ":", "-", "=", "+", "*", "#"};

bool continues_a_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }
bool controls_the_terminal(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F;
}

}  // namespace

std::string duration(double ns) {
  if (ns <= 0) return "-";
  if (ns < 999.5e3) return fmt::format("{:.0f} us", std::max(ns / 1e3, 1.0));
  if (ns < 999.5e6) return scaled(ns / 1e6, " ms");
  if (ns < 99.5e9) return scaled(ns / 1e9, " s");
  if (ns < 99.5 * 60e9) return scaled(ns / 60e9, " min");
  return scaled(ns / 3600e9, " h");
}

std::string count(double value) {
  if (value < 9.95) return fmt::format("{:.3g}", std::round(value * 10) / 10);
  if (value < 9999.5) return fmt::format("{:.0f}", value);
  if (value < 999.5e3) return scaled(value / 1e3, "k");
  if (value < 999.5e6) return scaled(value / 1e6, "M");
  return scaled(value / 1e9, "G");
}

std::string percent(double share) { return scaled(share * 100, " %"); }

std::string mebibytes(uint64_t bytes) {
  return fmt::format("{:.0f} MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

std::string sparkline(std::span<const double> values, size_t columns, bool unicode) {
  const auto shown = values.last(std::min(columns, values.size()));
  const double largest = shown.empty() ? 0 : *std::ranges::max_element(shown);
  const auto& levels = unicode ? blocks : letters;
  std::string line(columns - shown.size(), ' ');
  for (const double value : shown) {
    const double height =
        largest > 0 ? value / largest * static_cast<double>(levels.size() - 1) : 0;
    line += levels[static_cast<size_t>(std::ceil(std::max(height, 0.0)))];
  }
  return line;
}

std::string clipped(std::string_view text, size_t columns) {
  std::string line;
  for (const char byte : text) {
    if (!continues_a_character(byte) && columns-- == 0) break;
    line += controls_the_terminal(byte) ? '?' : byte;
  }
  return line;
}

}  // namespace hilo
