#include "supervisor/shutdown.h"

namespace hilo {

Phase next_phase(Phase phase, const ShutdownFacts& facts) {
  const bool hurry = facts.stop_requested || facts.deadline_passed;
  switch (phase) {
    case Phase::serving:
      return facts.over || facts.stop_requested ? Phase::draining : phase;
    case Phase::draining:
      return facts.drained || hurry ? Phase::terminating : phase;
    case Phase::terminating:
      // What the drain left undone is being cancelled; clients are told before we go.
      if (!facts.children_left && facts.drained) return Phase::finished;
      return hurry ? Phase::killing : phase;
    case Phase::killing:
      // A process that the kernel holds in an uninterruptible call cannot be waited for.
      return !facts.children_left || facts.deadline_passed ? Phase::finished : phase;
    case Phase::finished:
      break;
  }
  return phase;
}

}  // namespace hilo
