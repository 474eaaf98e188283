// Which cores are left to LOW at the moment, because it claimed its share: their HIGH workers get
// no plan until LOW has finished one there, or has had its quantum. Plain data: no clock, no
// thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "scheduler/fair_queue.h"
#include "scheduler/low_share.h"
#include "scheduler/policy.h"

namespace hilo {

class LowTurns {
 public:
  LowTurns(const Policy& policy, uint32_t cores);

  bool has_claim() const { return share_.has_claim(); }
  bool is_on(uint32_t core) const { return turns_[core].until != never; }
  void begin(uint32_t core, Instant now);
  void end_those_over(Instant now);
  // When the next turn is over; `never` if there is none.
  Instant next_end() const;

  void high_computed(Nanoseconds took) { share_.high_computed(took); }
  // A LOW plan is finished on that core, after so much compute time.
  void low_finished(uint32_t core, Nanoseconds took, Instant now);
  // There is no LOW work at all.
  void nothing_waits(Instant now);

 private:
  struct Turn {
    Instant until = never;    // `never`: it is not LOW's turn
    Nanoseconds charged = 0;  // turns that the plan under way has had; not to be charged again
  };
  void end(Turn& turn, Instant now);

  LowShare share_;
  Nanoseconds quantum_;
  uint32_t on_ = 0;
  std::vector<Turn> turns_;  // by core
};

}  // namespace hilo
