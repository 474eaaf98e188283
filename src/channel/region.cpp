#include "channel/region.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>

#include <fmt/format.h>

#include "base/ensure.h"

namespace hilo {
namespace {

// Headers of Debian 12 may be older than the running kernel's abilities.
#ifndef MFD_NOEXEC_SEAL
constexpr unsigned MFD_NOEXEC_SEAL = 0x0008U;
#endif
#ifndef MADV_POPULATE_READ
constexpr int MADV_POPULATE_READ = 22;
constexpr int MADV_POPULATE_WRITE = 23;
#endif

Error system_error(std::string_view what) {
  return Error{fmt::format("{}: {}.", what, std::strerror(errno))};
}

}  // namespace

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

Result<UniqueFd> make_region(const char* name, size_t bytes) {
  ENSURE(bytes <= region_bytes_max);
  // Kernels before 6.3 do not know MFD_NOEXEC_SEAL; the retry must keep the right to seal.
  UniqueFd region{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)};
  if (!region.valid() && errno == EINVAL)
    region.reset(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!region.valid()) return system_error("Shared memory could not be made");
  if (::ftruncate(region.get(), static_cast<off_t>(bytes)) != 0)
    return system_error("Shared memory could not be sized");
  if (Status filled = fill_holes(region.get(), bytes); !filled) return filled.error();
  if (::fcntl(region.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return system_error("Shared memory could not be sealed");
  return region;
}

Result<Mapping> map_region(int descriptor, size_t bytes, Access access) {
  const bool writable = access == Access::read_write;
  void* const data = ::mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ,
                            MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) return system_error("Shared memory could not be mapped");
  Mapping mapping{data, bytes};
  // Unlike MAP_POPULATE, this reports failure. Kernels before 5.14 do not know it; there the
  // allocated pages are mapped at the first touch.
  if (::madvise(data, bytes, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) != 0 &&
      errno != EINVAL)
    return system_error("Shared memory could not be brought in");
  if (::madvise(data, bytes, MADV_DONTFORK) != 0)
    return system_error("Shared memory could not be kept from forked processes");
  return mapping;
}

Status seal_against_writers(int descriptor) {
  const int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
  // A client that sealed first, to keep us from sealing, is found here: adding then fails.
  if (::fcntl(descriptor, F_ADD_SEALS, seals) != 0)
    return system_error("Shared memory could not be sealed");
  return {};
}

Status fill_holes(int descriptor, size_t bytes) {
  int outcome;
  do {
    outcome = ::fallocate(descriptor, 0, 0, static_cast<off_t>(bytes));
  } while (outcome != 0 && errno == EINTR);
  if (outcome != 0) return system_error("Memory for a channel could not be had");
  return {};
}

}  // namespace hilo
