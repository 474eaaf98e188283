#include "model/model_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

#include <fmt/format.h>

namespace hilo {

Error file_error(const std::filesystem::path& path, std::string_view cause) {
  return Error{fmt::format("{}: {}", printable(path.native()), cause)};
}

std::string printable(std::string_view text) {
  constexpr size_t bytes_max = 400;
  std::string shown{text.substr(0, bytes_max)};
  for (char& byte : shown) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7F) byte = '?';
  }
  if (text.size() > bytes_max) shown += "...";
  return shown;
}

bool file_exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Result<MappedFile::OpenFile> MappedFile::open(const std::filesystem::path& path) {
  // Without O_NONBLOCK, a named pipe in the place of a file would hang the program here.
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd.valid()) {
    return file_error(path, fmt::format("cannot be opened ({}); check the model directory and its "
                                        "permissions, or fetch the model again",
                                        std::strerror(errno)));
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return file_error(path, "is not a regular file; fetch the model again");
  }
  const Version version{static_cast<uint64_t>(status.st_size), status.st_mtim.tv_sec,
                        status.st_mtim.tv_nsec};
  return OpenFile{std::move(fd), version};
}

Result<std::string> read_file(const std::filesystem::path& path, uint64_t bytes_max) {
  Result<MappedFile::OpenFile> file = MappedFile::open(path);
  if (!file) return file.error();
  if (file->version.bytes > bytes_max) {
    return file_error(path, fmt::format("has {} bytes, but at most {} are read from such a file; "
                                        "fetch the model again",
                                        file->version.bytes, bytes_max));
  }
  std::string text(file->version.bytes, '\0');
  size_t bytes_read = 0;
  while (bytes_read < text.size()) {
    const ssize_t got = ::read(file->fd.get(), text.data() + bytes_read, text.size() - bytes_read);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return file_error(path, fmt::format("cannot be read ({}); check the disk, or fetch the model "
                                          "again",
                                          std::strerror(errno)));
    }
    if (got == 0) break;  // Cut since its size was taken: what is there gets judged as it is.
    bytes_read += static_cast<size_t>(got);
  }
  text.resize(bytes_read);
  return text;
}

Result<MappedFile> MappedFile::map(const std::filesystem::path& path) {
  Result<OpenFile> file = open(path);
  if (!file) return file.error();
  const size_t bytes = file->version.bytes;
  if (bytes == 0) return file_error(path, "is empty; fetch the model again");
  void* memory = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file->fd.get(), 0);
  if (memory == MAP_FAILED) {
    return file_error(path, fmt::format("cannot be mapped into memory ({}); free some memory or "
                                        "raise the limit on address space",
                                        std::strerror(errno)));
  }
  // Only a hint, so a refusal does no harm: all of it will be read soon, let the disk start now.
  (void)::madvise(memory, bytes, MADV_WILLNEED);
  return MappedFile{path, *std::move(file), {static_cast<const std::byte*>(memory), bytes}};
}

MappedFile::MappedFile(std::filesystem::path path, OpenFile file, std::span<const std::byte> bytes)
    : path_(std::move(path)), file_(std::move(file)), bytes_(bytes) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      bytes_(std::exchange(other.bytes_, {})) {}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

Status MappedFile::check_unchanged() const {
  struct stat status {};
  const bool known = ::fstat(file_.fd.get(), &status) == 0;
  const Version version{static_cast<uint64_t>(status.st_size), status.st_mtim.tv_sec,
                        status.st_mtim.tv_nsec};
  if (known && version == file_.version) return {};
  return file_error(path_,
                    "was changed while it was being loaded; start again when it is complete");
}

}  // namespace hilo
