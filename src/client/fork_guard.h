// Tells in one load whether this process is a fork of the one that made the guard: a page that the
// kernel wipes in every forked child, however it was forked.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "channel/region.h"

namespace hilo {

class ForkGuard {
 public:
  static Result<ForkGuard> create();
  bool forked() const { return *static_cast<const volatile int*>(page_.data()) == 0; }

 private:
  explicit ForkGuard(Mapping page) : page_(std::move(page)) {}

  Mapping page_;
};

}  // namespace hilo
