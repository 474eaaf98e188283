// The processes below us, whoever started them: a program's own children become ours when their
// parent ends, and none of them may be left behind.
#pragma once

#include <optional>
#include <sys/types.h>
#include <vector>

#include "supervisor/exit_reason.h"

namespace hilo {

// From now on, orphans below this process become its children.
void adopt_orphans();

// The direct children of this process, ended ones that nobody has reaped included.
std::vector<pid_t> list_children();

struct Ended {
  pid_t pid;
  ExitReason reason;
};

// Reaps one child that has ended, if there is one. What is left of a process group that it led is
// asked to end first, while its number cannot yet belong to anyone else.
std::optional<Ended> reap_one();

}  // namespace hilo
