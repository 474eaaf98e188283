#include "supervisor/program.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/log.h"
#include "channel/launch.h"
#include "supervisor/child.h"
#include "supervisor/command.h"

namespace hilo {

Result<Program> Program::create(ProgramSpec spec, RestartPolicy policy) {
  auto arguments = split_command(spec.command);
  if (!arguments) return Error{fmt::format("{}: {}", spec.name, arguments.error().message)};
  return Program{std::move(spec), policy, std::move(*arguments)};
}

Status Program::start(const ChannelSpec& channel, Reception& reception, Instant now) {
  restart_at_.reset();
  return spec_.channel ? start_on_channel(channel, reception, now) : start_alone(now);
}

Status Program::start_alone(Instant now) {
  const auto pid = start_child({.arguments = arguments_});
  if (!pid) return Error{fmt::format("{}: {}", spec_.name, pid.error().message)};
  started(*pid, now);
  return {};
}

Status Program::start_on_channel(const ChannelSpec& channel, Reception& reception, Instant now) {
  auto launch = Launch::prepare(channel, *spec_.channel);
  if (!launch) return launch.error();
  const auto pid = start_child({.arguments = arguments_, .channel = &*launch});
  if (!pid) return Error{fmt::format("{}: {}", spec_.name, pid.error().message)};

  // Nobody else reaps our children, so the number still means this process. Without a pidfd the
  // end of the connection has to tell that the program has ended.
  launch->session().set_pidfd(UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0))});
  session_id_ = launch->session().id();
  started(*pid, now);
  return reception.expect(launch->handed_over());
}

void Program::started(pid_t pid, Instant now) {
  pid_ = pid;
  started_at_ = now;
  failure_.clear();
  log_info(fmt::format("started {} (pid {}): {}", spec_.name, pid_, spec_.command));
}

void Program::ended(ExitReason reason, Reception& reception, Instant now) {
  const std::string what = fmt::format("{} (pid {}) {}", spec_.name, pid_, describe(reason));
  pid_ = -1;
  if (session_id_) reception.forget(*session_id_);
  if (reason.success()) return log_info(what);

  failure_ = fmt::format("{} {}", spec_.name, describe(reason));
  const auto restart = plan_restart(policy_, reason, now - started_at_, restarts_in_a_row_);
  if (!restart) return log_warning(what);
  restarts_in_a_row_ = restart->in_a_row;
  restart_at_ = now + restart->delay;
  log_warning(fmt::format("{}; starting it again in {} ms ({} of {})", what,
                          restart->delay / millisecond_ns, restart->in_a_row,
                          policy_.in_a_row_max));
}

}  // namespace hilo
