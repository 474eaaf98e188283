// Memory that two processes share: made by the engine as a sealed memfd, mapped by both. A memfd
// has no name in any file system, so nothing is left behind, and once it is sealed nobody can take
// its memory away under a reader.
//
// Threads: any, one at a time per object.
#pragma once

#include <cstddef>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hilo {

// Owns one mapping and unmaps it.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* data, size_t bytes) : data_(data), bytes_(bytes) {}
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // Forgets the mapping without unmapping it: after a fork its addresses may be somebody else's.
  void abandon() { data_ = nullptr; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// Larger than any region of ours. Allocating shared memory has no limit of its own: a size gone
// wrong would take all of the machine's memory, and other processes would be killed for it.
inline constexpr size_t region_bytes_max = size_t{16} * 1024 * 1024;

// A memfd of `bytes` zero bytes, all of them allocated, that can neither shrink nor grow.
Result<UniqueFd> make_region(const char* name, size_t bytes);

enum class Access { read, read_write };
// Maps the whole region with every page present, so that no later access can fault. A forked child
// does not get the mapping.
Result<Mapping> map_region(int descriptor, size_t bytes, Access access);

// From here on nobody can write to the region except through writable mappings that exist already:
// no new mapping, no mprotect, no write(), no hole punching; and no seal can be added any more.
Status seal_against_writers(int descriptor);

// Allocates what a hole punched before the sealing took away.
Status fill_holes(int descriptor, size_t bytes);

}  // namespace hilo
