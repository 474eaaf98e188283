#include "scheduler/low_turns.h"

#include <algorithm>

#include "base/ensure.h"

namespace hilo {

LowTurns::LowTurns(const Policy& policy, uint32_t cores)
    : share_(policy.low_share, policy.quantum[lane_index(Lane::low)]),
      quantum_(policy.quantum[lane_index(Lane::low)]),
      turns_(cores) {}

void LowTurns::begin(uint32_t core, Instant now) {
  ENSURE(has_claim());
  ENSURE(!is_on(core));
  share_.grant();
  turns_[core].until = now + quantum_;
  ++on_;
}

void LowTurns::end(Turn& turn, Instant now) {
  const Nanoseconds unused = std::max<Nanoseconds>(turn.until - now, 0);
  share_.take_back(unused);
  turn.charged += quantum_ - unused;
  turn.until = never;
  --on_;
}

void LowTurns::end_those_over(Instant now) {
  if (on_ == 0) return;
  for (Turn& turn : turns_)
    if (turn.until <= now) end(turn, now);
}

Instant LowTurns::next_end() const {
  Instant next = never;
  if (on_ == 0) return next;
  for (const Turn& turn : turns_) next = std::min(next, turn.until);
  return next;
}

void LowTurns::low_finished(uint32_t core, Nanoseconds took, Instant now) {
  Turn& turn = turns_[core];
  if (is_on(core)) end(turn, now);
  share_.low_computed(std::max<Nanoseconds>(took - turn.charged, 0));
  turn.charged = 0;
}

void LowTurns::nothing_waits(Instant now) {
  if (on_ > 0)
    for (Turn& turn : turns_)
      if (turn.until != never) end(turn, now);
  share_.nothing_waits();
}

}  // namespace hilo
