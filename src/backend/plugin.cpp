#include "backend/plugin.h"

#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/own_path.h"

namespace hilo {
namespace {

namespace fs = std::filesystem;

Result<fs::path> find_plugin(const PluginSpec& spec) {
  std::error_code unknown;
  if (const char* const named = std::getenv(spec.path_variable);
      named != nullptr && *named != '\0') {
    if (fs::exists(named, unknown))
      return fs::absolute(named, unknown);  // dlopen() would look elsewhere.
    return Error{fmt::format("${} names {}, which is not there", spec.path_variable, named)};
  }
  const fs::path folder = own_path().parent_path();
  for (const fs::path& place : {folder, folder.parent_path() / "lib"})
    if (fs::exists(place / spec.file, unknown)) return place / spec.file;
  return Error{fmt::format("{} is not there: neither in {} nor in its ../lib, and ${} names none",
                           spec.file, folder.string(), spec.path_variable)};
}

// Whether all that its first bytes announce is in the file. The linker lays the table of sections
// at the end; a file that was cut off would only fail when what is missing is touched, and then by
// a signal.
bool is_whole(const fs::path& path) {
  Elf64_Ehdr header{};
  std::ifstream file{path, std::ios::binary};
  std::error_code unknown;
  const uintmax_t bytes = fs::file_size(path, unknown);
  return !unknown && file.read(reinterpret_cast<char*>(&header), sizeof(header)) &&
         std::string_view(reinterpret_cast<const char*>(header.e_ident), SELFMAG) == ELFMAG &&
         bytes >= header.e_shoff + uintmax_t{header.e_shnum} * header.e_shentsize;
}

// dlopen() tells the path, too.
std::string reason(const fs::path& path) {
  const char* const told = ::dlerror();
  std::string text = told == nullptr ? "for an unknown reason" : told;
  const std::string prefix = path.string() + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

Result<void*> load_plugin(const PluginSpec& spec) {
  auto path = find_plugin(spec);
  if (!path) return path.error();
  if (!is_whole(*path))
    return Error{fmt::format("{} is no shared library, or not a whole one: install it again",
                             path->string())};
  void* const library = ::dlopen(path->c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return Error{fmt::format("{} cannot be loaded: {}", path->string(), reason(*path))};
  void* const function = ::dlsym(library, spec.function);
  if (function == nullptr)
    return Error{
        fmt::format("{} is another library: it has no function {}", path->string(), spec.function)};
  return function;
}

Status check_table_version(const char* file, uint32_t version, uint32_t needed) {
  if (version == needed) return {};
  return Error{
      fmt::format("{} has version {} of its table, and hilo needs {}: "
                  "install both from one build",
                  file, version, needed)};
}

}  // namespace hilo
