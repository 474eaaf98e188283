// One program that the supervisor starts, across its restarts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "channel/reception.h"
#include "protocol/lane.h"
#include "supervisor/restart_policy.h"

namespace hilo {

struct ProgramSpec {
  std::string name;                   // for the log: "high"
  std::string command;                // as a person types it
  std::optional<LaneRights> channel;  // none: it connects by itself
};

class Program {
 public:
  // The error says what is wrong with the command.
  static Result<Program> create(ProgramSpec spec, RestartPolicy policy);

  // Starts the program; one with a channel gets a new one, whose session is left in `reception`.
  Status start(const ChannelSpec& channel, Reception& reception, Instant now);
  // The program's process has ended. Decides what comes next, and logs it.
  void ended(ExitReason reason, Reception& reception, Instant now);
  // Drops a restart that is due.
  void give_up() { restart_at_.reset(); }

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  std::optional<Instant> restart_at() const { return restart_at_; }
  // Ended for good.
  bool over() const { return !running() && !restart_at_; }
  // Why it is over, in a sentence, unless it ended well.
  const std::string& failure() const { return failure_; }

 private:
  Status start_alone(Instant now);
  Status start_on_channel(const ChannelSpec& channel, Reception& reception, Instant now);
  void started(pid_t pid, Instant now);

  Program(ProgramSpec spec, RestartPolicy policy, std::vector<std::string> arguments)
      : spec_(std::move(spec)), policy_(policy), arguments_(std::move(arguments)) {}

  ProgramSpec spec_;
  RestartPolicy policy_;
  std::vector<std::string> arguments_;
  pid_t pid_ = -1;
  std::optional<uint64_t> session_id_;
  Instant started_at_{};
  uint32_t restarts_in_a_row_ = 0;
  std::optional<Instant> restart_at_;
  std::string failure_;
};

}  // namespace hilo
