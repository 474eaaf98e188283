#include "cli/embed/file_name.h"

#include <filesystem>
#include <sys/stat.h>

#include <fmt/format.h>

namespace hilo {

std::string path_of_descriptor(int descriptor) {
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) return {};
  std::error_code no_proc;
  const auto path =
      std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", descriptor), no_proc);
  return no_proc ? "unknown" : path.string();
}

std::optional<VectorFormat> format_named_by(const std::string& path) {
  const std::string ending = std::filesystem::path{path}.extension();
  if (ending == ".npy") return VectorFormat::npy;
  if (ending == ".txt") return VectorFormat::text;
  if (holds_json(path)) return VectorFormat::jsonl;
  return std::nullopt;
}

bool holds_json(const std::string& path) {
  const std::string ending = std::filesystem::path{path}.extension();
  return ending == ".jsonl" || ending == ".ndjson";
}

}  // namespace hilo
