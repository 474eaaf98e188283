// Where this program lies; empty if the system does not tell.
#pragma once

#include <filesystem>
#include <system_error>

namespace hilo {

inline std::filesystem::path own_path() {
  std::error_code unknown;
  return std::filesystem::read_symlink("/proc/self/exe", unknown);
}

}  // namespace hilo
