#include "cli/memory_report.h"

#include <fmt/format.h>

namespace hilo {
namespace {

std::string line(size_t bytes, std::string_view owner) {
  return fmt::format("{:>9.1f} MiB  {}", static_cast<double>(bytes) / (1024.0 * 1024.0), owner);
}

}  // namespace

std::vector<std::string> memory_report(const std::vector<BudgetLine>& budget) {
  std::vector<std::string> lines;
  size_t total = 0;
  for (const BudgetLine& entry : budget) {
    lines.push_back(line(entry.bytes, entry.owner));
    total += entry.bytes;
  }
  lines.push_back(line(total, "in all"));
  return lines;
}

}  // namespace hilo
