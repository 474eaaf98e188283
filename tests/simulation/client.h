// A program that uses the engine, well or badly, as a seed says. It sees only its channel.
#pragma once

#include <map>
#include <vector>

#include "random.h"
#include "rules.h"
#include "session_pool.h"

namespace hilo::simulation {

struct Habits {
  Lane lane = Lane::low;
  bool both_lanes = false;
  uint32_t open_max = tasks_per_client_max;
  uint32_t burst = 8;                  // texts submitted at a time
  Nanoseconds pause = millisecond_ns;  // between two bursts
  uint32_t text_bytes = 200;
  bool giants = false;  // now and then a text of the largest size
  bool cancels = false;
  bool wants_tokens = false;  // now and then the vectors of a text's tokens
  Nanoseconds patience = 0;   // deadlines of about this; 0: none
  bool takes_results = true;
  bool vanishes = false;
  uint32_t texts = 100;  // in all
};

Habits habits_of(Random& random, bool high_saturates);

class ScriptedClient {
 public:
  ScriptedClient(const Habits& habits, Connection connection, Random random, Instant begins);

  // Submits, cancels, or does nothing; afterwards next_action() is later.
  void act(Instant now);
  Instant next_action() const { return next_action_; }
  // Takes what has come and checks it. Throws Violation.
  void take_completions(Instant now, Rules& rules);
  bool vanishes_now() const { return habits_.vanishes && submitted_ >= habits_.texts / 2; }
  void vanish() {
    vanished_ = true;
    next_action_ = never;
  }
  bool has_vanished() const { return vanished_; }
  uint32_t submitted() const { return submitted_; }
  bool has_submitted_all() const { return submitted_ == habits_.texts; }
  // Takes what it left lying; afterwards it can end.
  void tidy_up();
  uint32_t open() const { return static_cast<uint32_t>(open_.size()); }

  uint32_t place = 0;
  const Session* session;  // The core has it while it runs.
  Connection connection;

 private:
  struct Sent {
    Instant deadline = never;
    bool cancelled = false;
    uint32_t text_bytes = 0;
    Lane lane = Lane::low;
  };
  bool has_room() const;
  bool submits_for_tokens();
  void submit(Instant now);
  void pause(Instant now);
  void cancel_one();
  void check(const Completion& completion, Instant now, const Rules& rules);
  void check_cancels(const Rules& rules);

  Habits habits_;
  Random random_;
  Instant next_action_;
  bool vanished_ = false;
  uint32_t submitted_ = 0;
  bool one_has_all_ = false;  // The only task that is open, or lent, has all slots.
  uint64_t next_name_ = 1;
  std::vector<std::pair<uint32_t, uint32_t>> lent_;  // slots and generations
  std::map<uint64_t, Sent> open_;
  std::vector<std::pair<uint32_t, uint64_t>> cancels_;  // places among the submissions, and names
};

}  // namespace hilo::simulation
