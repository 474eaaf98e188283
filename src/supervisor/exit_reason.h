// Why a program ended, as a value that the restart policy decides on and a person can read.
#pragma once

#include <string>

namespace hilo {

struct ExitReason {
  enum class Kind { exited, killed };
  Kind kind = Kind::exited;
  int number = 0;  // the exit status, or the signal

  bool success() const { return kind == Kind::exited && number == 0; }
  friend bool operator==(ExitReason, ExitReason) = default;
};

// From the status that waitpid() gives for a process that has ended.
ExitReason exit_reason_of(int wait_status);

// To be read after the program's name: "exited with status 3", "was killed by SIGSEGV".
std::string describe(ExitReason reason);

}  // namespace hilo
