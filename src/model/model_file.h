// Files of a model directory, opened as untrusted input: only regular files, sizes checked before
// anything is read or mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hilo {

// "PATH: CAUSE", the form of every error of this module.
Error file_error(const std::filesystem::path& path, std::string_view cause);

// Text from a file as an error message shows it: control bytes replaced, cut when long.
std::string printable(std::string_view text);

// False, too, where the answer is not to be had: opening the file will tell why.
bool file_exists(const std::filesystem::path& path);

// A whole file as text. One of more than `bytes_max` bytes is refused.
Result<std::string> read_file(const std::filesystem::path& path, uint64_t bytes_max);

// A file mapped read-only. Whoever cuts the file while it is mapped makes reads behind its new end
// fault (SIGBUS), so the mapping is for loading only: check_unchanged() after the last read tells
// whether what was read can be trusted, and nothing may read the mapping in the long run.
class MappedFile {
 public:
  static Result<MappedFile> map(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  const std::filesystem::path& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  // An error if the file's size or time of change is not what it was when it was mapped.
  Status check_unchanged() const;

 private:
  struct Version {
    uint64_t bytes = 0;
    int64_t modified_seconds = 0;
    int64_t modified_nanoseconds = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };
  struct OpenFile {
    UniqueFd fd;
    Version version;
  };

  MappedFile(std::filesystem::path path, OpenFile file, std::span<const std::byte> bytes);
  static Result<OpenFile> open(const std::filesystem::path& path);
  friend Result<std::string> read_file(const std::filesystem::path& path, uint64_t bytes_max);

  std::filesystem::path path_;
  OpenFile file_;
  std::span<const std::byte> bytes_;
};

}  // namespace hilo
