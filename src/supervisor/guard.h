// A small process that ends our programs' process groups if we are killed.
//
// The kernel ends a program with us (PR_SET_PDEATHSIG), but not what the program has started: the
// far side of a pipe in a shell, the workers of a Python pool. The guard holds the reading end of a
// pipe. When that ends, we are gone, and whichever groups it was told about are killed. A process
// that has left its program's group is beyond its reach.
#pragma once

#include <memory>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hilo {

class Guard {
 public:
  // Forks, so that it must be called before other threads exist.
  static Result<std::unique_ptr<Guard>> start();
  ~Guard();  // Lets the guard go, and waits until it has gone.
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  void watch(pid_t group);
  // Takes groups off the list once nobody is left in them, because their numbers may be reused.
  void forget_empty_groups();

  pid_t pid() const { return pid_; }

 private:
  Guard(pid_t pid, UniqueFd pipe) : pid_(pid), pipe_(std::move(pipe)) {}

  pid_t pid_;
  UniqueFd pipe_;
  std::vector<pid_t> groups_;
};

}  // namespace hilo
