#include "base/ensure.h"

#include <cstdio>
#include <cstdlib>

namespace hilo {

void ensure_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "hilo: broken rule: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace hilo
