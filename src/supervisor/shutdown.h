// The order in which a run ends: a pure function of what has happened.
#pragma once

#include <cstdint>

namespace hilo {

//   serving --> draining --> terminating --> killing --> finished
//               admitted     programs asked  what is
//               work ends    to end          left is killed
enum class Phase { serving, draining, terminating, killing, finished };

struct ShutdownFacts {
  bool over = false;             // Nobody is left to serve: the programs have ended by themselves.
  bool stop_requested = false;   // A signal to stop that no phase has answered yet.
  bool drained = false;          // No admitted work is left.
  bool children_left = false;    // Programs, or what they left behind.
  bool deadline_passed = false;  // The time of this phase is up.
};

// The next phase, or the same one. Each further signal skips what the run is waiting for.
Phase next_phase(Phase phase, const ShutdownFacts& facts);

}  // namespace hilo
