#include "client/fork_guard.h"

#include <sys/mman.h>

namespace hilo {

Result<ForkGuard> ForkGuard::create() {
  constexpr size_t page_bytes = 4096;
  void* const data =
      ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return Error{"No memory is left for a client."};
  Mapping page{data, page_bytes};
  if (::madvise(data, page_bytes, MADV_WIPEONFORK) != 0)
    return Error{"This kernel cannot wipe pages on fork; Linux 4.14 or later is needed."};
  *static_cast<volatile int*>(data) = 1;
  return ForkGuard{std::move(page)};
}

}  // namespace hilo
