#include "supervisor/supervisor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>
#include <poll.h>
#include <sys/signalfd.h>

#include <fmt/format.h>

#include "base/log.h"
#include "base/service_manager.h"
#include "channel/listener.h"
#include "supervisor/descendants.h"

namespace hilo {
namespace {

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&set, signal);
  return set;
}

// No wait lasts longer than this, so a piece of news that was lost is a delay and not the end.
constexpr Nanoseconds sleep_max = 10 * second_ns;

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::create(SupervisorOptions options) {
  const sigset_t watched = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  ::signal(SIGCHLD, SIG_DFL);  // Were it ignored, as our parent may have left it, nothing is told.
  ::signal(SIGPIPE, SIG_IGN);
  adopt_orphans();

  UniqueFd signals{::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals.valid())
    return Error{fmt::format("cannot receive signals: {}", std::strerror(errno))};
  auto reception = Reception::create(options.channel);
  if (!reception) return reception.error();
  return std::unique_ptr<Supervisor>{
      new Supervisor{std::move(options), std::move(signals), std::move(*reception)}};
}

Supervisor::Supervisor(SupervisorOptions options, UniqueFd signals,
                       std::unique_ptr<Reception> reception)
    : options_(std::move(options)),
      signals_(std::move(signals)),
      reception_(std::move(reception)),
      bystanders_(list_children()) {}

Supervisor::~Supervisor() {
  const Instant deadline = monotonic_now() + options_.kill_wait_max;
  for (Instant now = monotonic_now(); now < deadline; now = monotonic_now()) {
    take_signals();
    reap_children(now);
    if (our_children().empty()) return;
    signal_children(SIGKILL);
    pollfd signals{signals_.get(), POLLIN, 0};
    ::poll(&signals, 1, 10);
  }
}

Status Supervisor::launch(ProgramSpec spec) {
  auto program = Program::create(std::move(spec), options_.restart);
  if (!program) return program.error();
  if (guard_ == nullptr) {
    auto guard = Guard::start();
    if (!guard) return guard.error();
    guard_ = std::move(*guard);
  }
  Status started = start(*program, monotonic_now());
  if (started) programs_.push_back(std::move(*program));
  return started;
}

Status Supervisor::start(Program& program, Instant now) {
  Status started = program.start(options_.channel, *reception_, now);
  if (program.running()) guard_->watch(program.pid());
  return started;
}

Status Supervisor::listen(const std::string& path, LaneRights offered) {
  auto listener = Listener::bind(path);
  if (!listener) return listener.error();
  listening_ = true;
  return reception_->listen(std::move(*listener), offered);
}

Status Supervisor::serve_connection(UniqueFd socket, LaneRights offered) {
  return reception_->receive(std::move(socket), offered, monotonic_now());
}

Status Supervisor::answer_at(const std::string& path, ControlSocket::Answer answer) {
  auto control = ControlSocket::open(path, std::move(answer));
  if (!control) return control.error();
  control_ = std::move(*control);
  return {};
}

Status Supervisor::run(SessionHost& host) {
  while (true) {
    const Instant now = monotonic_now();
    take_signals();  // Before reaping: a child that ends in between wakes the next round.
    reap_children(now);
    restart_programs(now);
    exchange_sessions(host, now);
    if (control_ != nullptr) control_->advance(now);
    advance_phase(host, now);
    if (phase_ == Phase::finished) return outcome();
    sleep_until_news(host);
  }
}

void Supervisor::sleep_until_news(const SessionHost& host) const {
  Nanoseconds wait = sleep_max;
  const Instant now = monotonic_now();
  if (const auto deadline = next_deadline())
    wait = std::clamp(*deadline - now, Nanoseconds{0}, sleep_max);
  int questions = -1;  // Is passed over.
  if (control_ != nullptr && control_->rests_until() > now)
    wait = std::min(wait, control_->rests_until() - now);
  else if (control_ != nullptr)
    questions = control_->descriptor();
  std::array<pollfd, 4> news{{{signals_.get(), POLLIN, 0},
                              {reception_->descriptor(), POLLIN, 0},
                              {host.news(), POLLIN, 0},
                              {questions, POLLIN, 0}}};
  // Rounded up: waking a moment early would only mean another round.
  ::poll(news.data(), news.size(), static_cast<int>(wait / millisecond_ns + 1));
}

std::optional<Instant> Supervisor::next_deadline() const {
  if (phase_ != Phase::serving) return phase_deadline_;
  std::optional<Instant> earliest;
  for (const Program& program : programs_)
    if (const auto at = program.restart_at(); at && (!earliest || *at < *earliest)) earliest = at;
  return earliest;
}

void Supervisor::take_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD) continue;  // reap_children() finds whom it means.
    if (info.ssi_signo == SIGHUP && options_.pass_on_hang_up)
      pass_on_hang_up();
    else
      ++stop_signals_;
  }
}

void Supervisor::pass_on_hang_up() const {
  for (const Program& program : programs_)
    if (program.running()) ::kill(program.pid(), SIGHUP);
}

void Supervisor::reap_children(Instant now) {
  while (const auto ended = reap_one()) {
    for (Program& program : programs_)
      if (program.pid() == ended->pid) program.ended(ended->reason, *reception_, now);
    if (guard_ != nullptr) guard_->forget_empty_groups();
  }
}

void Supervisor::restart_programs(Instant now) {
  for (Program& program : programs_) {
    if (!program.restart_at() || *program.restart_at() > now) continue;
    // What could not be started is over, with the reason of its last run.
    if (Status status = start(program, now); !status) log_error(status.error().message);
  }
}

void Supervisor::exchange_sessions(SessionHost& host, Instant now) {
  for (const auto& retired : host.take_retired())
    if (retired != nullptr) --sessions_;
  // A program that will be started again keeps its place meanwhile.
  const auto coming_back = std::count_if(programs_.begin(), programs_.end(), [](const Program& p) {
    return p.restart_at().has_value();
  });
  const Admission admission{.sessions = sessions_ + static_cast<uint32_t>(coming_back),
                            .shutting_down = phase_ != Phase::serving};
  for (auto& session : reception_->advance(now, admission)) {
    if (sessions_ == clients_max) {
      log_warning(fmt::format("a client was sent away: {} are served already", clients_max));
      continue;  // Its session ends here, which hangs up on it.
    }
    host.adopt(std::move(session));
    ++sessions_;
  }
}

bool Supervisor::nobody_left_to_serve() const {
  if (!programs_.empty())
    return std::all_of(programs_.begin(), programs_.end(),
                       [](const Program& p) { return p.over(); });
  return !listening_ && sessions_ == 0 && reception_->idle();
}

void Supervisor::advance_phase(SessionHost& host, Instant now) {
  if (phase_ == Phase::killing) signal_children(SIGKILL);  // Orphans have come to us since.
  while (phase_ != Phase::finished) {
    const ShutdownFacts facts{
        .over = nobody_left_to_serve(),
        .stop_requested = stop_signals_ > 0,
        .drained = host.drained(),
        .children_left = !our_children().empty(),
        .deadline_passed = phase_ != Phase::serving && now >= phase_deadline_};
    if (facts.stop_requested) --stop_signals_;
    if (phase_ == Phase::serving) stopped_by_signal_ = facts.stop_requested;
    const Phase next = next_phase(phase_, facts);
    if (next == phase_) return;
    enter(next, host, now);
  }
}

void Supervisor::enter(Phase phase, SessionHost& host, Instant now) {
  phase_ = phase;
  switch (phase) {
    case Phase::draining:
      if (stopped_by_signal_) log_info("stopping: admitted work is finished first");
      tell_service_manager("STOPPING=1");
      reception_->stop_listening();
      for (Program& program : programs_) program.give_up();
      phase_deadline_ = now + options_.drain_wait_max;
      host.drain(phase_deadline_);
      return;
    case Phase::terminating:
      // What the deadline or a second signal left unfinished is answered as cancelled.
      if (!host.drained()) host.drain(now);
      phase_deadline_ = now + options_.terminate_wait_max;
      return signal_children(SIGTERM);
    case Phase::killing:
      if (!our_children().empty())
        log_warning("killing the programs that did not end when asked to");
      phase_deadline_ = now + options_.kill_wait_max;
      return signal_children(SIGKILL);
    case Phase::serving:
    case Phase::finished:
      return;
  }
}

// Groups first: they hold what our programs started and still watch over.
void Supervisor::signal_children(int signal) const {
  for (const Program& program : programs_)
    if (program.running()) ::kill(-program.pid(), signal);
  for (const pid_t pid : our_children()) ::kill(pid, signal);
}

std::vector<pid_t> Supervisor::our_children() const {
  std::vector<pid_t> children = list_children();
  std::erase_if(children, [this](pid_t pid) {
    return (guard_ != nullptr && pid == guard_->pid()) ||
           std::find(bystanders_.begin(), bystanders_.end(), pid) != bystanders_.end();
  });
  return children;
}

Status Supervisor::outcome() const {
  if (stopped_by_signal_) return {};
  std::string failures;
  for (const Program& program : programs_) {
    if (program.failure().empty()) continue;
    failures += fmt::format("{}{}", failures.empty() ? "" : ", ", program.failure());
  }
  if (failures.empty()) return {};
  return Error{failures};
}

}  // namespace hilo
