#include "scheduler/low_turns.h"

#include <algorithm>
#include <cmath>

#include "base/ensure.h"
#include "scheduler/fair_queue.h"

namespace hilo {

void LowTurns::advance(Instant now) {
  const Nanoseconds passed = now - charged_until_;
  charged_until_ = now;
  if (on_ == 0) return;
  for (Turn& turn : turns_)
    if (turn.on) turn.charged += passed;
  share_.low_computed(passed * on_);
  if (!due()) end_all();
}

void LowTurns::begin(uint32_t core) {
  ENSURE(due());
  ENSURE(!is_on(core));
  turns_[core].on = true;
  ++on_;
}

void LowTurns::end(uint32_t core) {
  ENSURE(is_on(core));
  turns_[core].on = false;
  --on_;
}

void LowTurns::end_all() {
  for (Turn& turn : turns_) turn.on = false;
  on_ = 0;
}

Instant LowTurns::next_end() const {
  if (on_ == 0) return never;
  return charged_until_ + static_cast<Nanoseconds>(std::ceil(share_.owed() / on_));
}

void LowTurns::low_finished(uint32_t core, Nanoseconds took) {
  Turn& turn = turns_[core];
  share_.low_computed(std::max<Nanoseconds>(took - turn.charged, 0));
  turn.charged = 0;
  if (!due()) end_all();
}

void LowTurns::nothing_waits() {
  share_.nothing_waits();
  end_all();
}

}  // namespace hilo
