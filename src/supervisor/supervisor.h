// The control thread: starts and watches the programs, lets others in, and ends everything in
// order.
//
//   create()             signals are held back, orphans become ours
//   launch() listen()    programs start and the socket is open while the model is still loading
//   run(host)            until a signal, or until there is nobody left to serve
//
// Threads: all calls come from the main thread, and create() before any other thread exists, so
// that every thread holds the signals back and the kernel ties the children's lives to this one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "channel/reception.h"
#include "channel/session_host.h"
#include "supervisor/control_socket.h"
#include "supervisor/guard.h"
#include "supervisor/program.h"
#include "supervisor/restart_policy.h"
#include "supervisor/shutdown.h"

namespace hilo {

struct SupervisorOptions {
  ChannelSpec channel;
  RestartPolicy restart;
  Nanoseconds drain_wait_max = 10 * second_ns;     // for admitted work to finish
  Nanoseconds terminate_wait_max = 5 * second_ns;  // from SIGTERM to SIGKILL
  Nanoseconds kill_wait_max = 2 * second_ns;       // from SIGKILL until we leave regardless
  bool pass_on_hang_up = false;  // SIGHUP goes to the programs, and does not end the run
};

class Supervisor {
 public:
  static Result<std::unique_ptr<Supervisor>> create(SupervisorOptions options);
  // Kills and reaps whatever still runs: after run(), nothing does.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts a program; run() ends when all of them have ended.
  Status launch(ProgramSpec spec);
  // Lets programs connect to a socket path. Alone, run() ends only by a signal.
  Status listen(const std::string& path, LaneRights offered);
  // Serves one connection; without launched programs and a path, run() ends with it.
  Status serve_connection(UniqueFd socket, LaneRights offered);

  // Lets our user ask about the engine. `answer` is called within run() only.
  Status answer_at(const std::string& path, ControlSocket::Answer answer);

  // Serves until the end and returns with no child left. Stopping by a signal is a success; so is
  // the end of all programs with status 0. Otherwise the error names who failed and how.
  Status run(SessionHost& host);

 private:
  Supervisor(SupervisorOptions options, UniqueFd signals, std::unique_ptr<Reception> reception);

  void sleep_until_news(const SessionHost& host) const;
  std::optional<Instant> next_deadline() const;
  void take_signals();
  void pass_on_hang_up() const;
  void reap_children(Instant now);
  Status start(Program& program, Instant now);
  void restart_programs(Instant now);
  void exchange_sessions(SessionHost& host, Instant now);
  bool nobody_left_to_serve() const;
  void advance_phase(SessionHost& host, Instant now);
  void enter(Phase phase, SessionHost& host, Instant now);
  void signal_children(int signal) const;
  std::vector<pid_t> our_children() const;
  Status outcome() const;

  SupervisorOptions options_;
  UniqueFd signals_;
  std::unique_ptr<Reception> reception_;
  std::unique_ptr<ControlSocket> control_;
  std::unique_ptr<Guard> guard_;   // Where there are programs.
  std::vector<pid_t> bystanders_;  // Children that this process had before it became an engine.
  std::vector<Program> programs_;
  bool listening_ = false;
  uint32_t sessions_ = 0;  // with the host
  Phase phase_ = Phase::serving;
  Instant phase_deadline_{};   // Not for serving.
  uint32_t stop_signals_ = 0;  // that no phase has answered yet
  bool stopped_by_signal_ = false;
};

}  // namespace hilo
