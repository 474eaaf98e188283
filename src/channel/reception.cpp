#include "channel/reception.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/log.h"
#include "channel/message.h"

namespace hilo {
namespace {

// How long to leave connections waiting after the process ran out of descriptors.
constexpr Nanoseconds accept_pause = 100 * millisecond_ns;

// The process that connected. An invalid descriptor if it is gone or in another process namespace;
// then the socket alone tells of its end.
UniqueFd open_peer(int socket) {
  ucred peer{};
  socklen_t bytes = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 || peer.pid <= 0) return {};
  return UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0))};
}

bool has_exited(int pidfd) {
  if (pidfd < 0) return false;
  pollfd exit{.fd = pidfd, .events = POLLIN, .revents = 0};
  return ::poll(&exit, 1, 0) == 1;
}

bool grants(LaneRights offered, uint32_t asked) {
  if (asked > static_cast<uint32_t>(LaneRights::any)) return false;
  return offered == LaneRights::any || asked == static_cast<uint32_t>(offered);
}

// The message, if it is one of exactly this kind.
template <class Message>
std::optional<Message> read_message(std::span<const std::byte> buffer, const Received& received) {
  if (received.bytes != sizeof(Message)) return std::nullopt;
  Message message;
  std::memcpy(&message, buffer.data(), sizeof(Message));
  if (message.magic != protocol_magic) return std::nullopt;
  return message;
}

}  // namespace

struct Reception::Handshake {
  // Until Welcome the connection and its process are held here; from then on by the session.
  UniqueFd socket;
  UniqueFd pidfd;
  LaneRights offered = LaneRights::any;
  std::unique_ptr<Session> session;
  std::optional<Instant> deadline;  // None for a launched program.
  bool over = false;                // To be erased: handed on, refused, or gone.

  int descriptor() const { return session ? session->socket() : socket.get(); }
  int process() const { return session ? session->pidfd() : pidfd.get(); }
};

Reception::Reception(ChannelSpec spec) : spec_(std::move(spec)) {}
Reception::~Reception() = default;

Result<std::unique_ptr<Reception>> Reception::create(ChannelSpec spec) {
  std::unique_ptr<Reception> reception{new Reception{std::move(spec)}};
  reception->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  reception->timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!reception->epoll_.valid() || !reception->timer_.valid())
    return Error{"No descriptors are left to receive clients with."};
  if (Status watched = reception->watch(reception->timer_.get()); !watched) return watched.error();
  return reception;
}

Status Reception::listen(Listener listener, LaneRights offered) {
  ENSURE(!listener_.has_value());
  listener_.emplace(std::move(listener));
  offered_ = offered;
  return watch(listener_->descriptor());
}

void Reception::stop_listening() {
  if (!listener_) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_->descriptor(), nullptr);
  listener_.reset();
}

Status Reception::receive(UniqueFd socket, LaneRights offered, Instant now) {
  if (Status watched = watch(socket.get()); !watched) return watched;
  auto handshake = std::make_unique<Handshake>();
  handshake->pidfd = open_peer(socket.get());
  handshake->socket = std::move(socket);
  handshake->offered = offered;
  handshake->deadline = now + handshake_wait_max;
  handshakes_.push_back(std::move(handshake));
  set_timer();
  return {};
}

Status Reception::expect(std::unique_ptr<Session> session) {
  if (Status watched = watch(session->socket()); !watched) return watched;
  auto handshake = std::make_unique<Handshake>();
  handshake->session = std::move(session);
  handshakes_.push_back(std::move(handshake));
  return {};
}

void Reception::forget(uint64_t session_id) {
  std::erase_if(handshakes_, [&](const std::unique_ptr<Handshake>& handshake) {
    const bool meant = handshake->session && handshake->session->id() == session_id;
    if (meant) unwatch(*handshake);
    return meant;
  });
}

std::vector<std::unique_ptr<Session>> Reception::advance(Instant now, const Admission& admission) {
  accept_waiting(now);
  std::vector<std::unique_ptr<Session>> ready;
  Admission counted = admission;  // Who leaves here in this turn still takes a place.
  // Two passes: a step counts all handshakes, so none may be half erased meanwhile.
  for (const std::unique_ptr<Handshake>& handshake : handshakes_) {
    Progress progress = step(*handshake, counted);
    if (progress == Progress::waiting && handshake->deadline && *handshake->deadline <= now) {
      log_debug("a program connected and did not finish its handshake in time");
      progress = Progress::over;
    }
    if (progress == Progress::waiting) continue;
    unwatch(*handshake);
    handshake->over = true;
    if (progress != Progress::ready) continue;
    ready.push_back(std::move(handshake->session));
    ++counted.sessions;
  }
  std::erase_if(handshakes_, [](const auto& handshake) { return handshake->over; });
  watch_listener(now);
  set_timer();
  return ready;
}

uint32_t Reception::sessions() const {
  return static_cast<uint32_t>(std::ranges::count_if(
      handshakes_, [](const auto& handshake) { return handshake->session != nullptr; }));
}

uint32_t Reception::connections() const {
  return static_cast<uint32_t>(std::ranges::count_if(
      handshakes_, [](const auto& handshake) { return handshake->deadline.has_value(); }));
}

Status Reception::watch(int descriptor) {
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.fd = descriptor}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0)
    return Error{
        fmt::format("Descriptor {} cannot be watched: {}.", descriptor, std::strerror(errno))};
  return {};
}

// Closing is not enough: a descriptor that was inherited by somebody stays registered.
void Reception::unwatch(const Handshake& handshake) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, handshake.descriptor(), nullptr);
}

void Reception::accept_waiting(Instant now) {
  if (accept_again_at_ <= now) accept_again_at_ = {};
  while (listener_ && accept_again_at_ <= now && connections() < handshakes_max) {
    Result<UniqueFd, Listener::Refusal> connection = listener_->accept();
    if (!connection) {
      if (connection.error() == Listener::Refusal::none_waiting) return;
      log_warning("no descriptors are left; programs that connect have to wait");
      accept_again_at_ = now + accept_pause;
      return;
    }
    if (Status received = receive(std::move(*connection), offered_, now); !received)
      log_warning(received.error().message);
  }
}

// While there is no room for another handshake the listener must not keep epoll awake.
void Reception::watch_listener(Instant now) {
  if (!listener_) return;
  const bool room = accept_again_at_ <= now && connections() < handshakes_max;
  epoll_event event{.events = room ? static_cast<uint32_t>(EPOLLIN) : 0U,
                    .data = {.fd = listener_->descriptor()}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_->descriptor(), &event);
}

// The timer makes descriptor() readable at the earliest deadline. Setting it also clears it.
void Reception::set_timer() {
  std::optional<Instant> earliest;
  for (const auto& handshake : handshakes_)
    if (handshake->deadline && (!earliest || *handshake->deadline < *earliest))
      earliest = handshake->deadline;
  if (listener_ && accept_again_at_.ns > 0 && (!earliest || accept_again_at_ < *earliest))
    earliest = accept_again_at_;
  itimerspec when{};
  if (earliest) {
    when.it_value.tv_sec = earliest->ns / second_ns;
    when.it_value.tv_nsec = earliest->ns % second_ns;
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

// At most one message a call, so that a program that floods its socket gets no more than its turn.
Reception::Progress Reception::step(Handshake& handshake, const Admission& admission) {
  if (has_exited(handshake.process())) return Progress::over;
  std::array<std::byte, 64> buffer;
  // Descriptors that a client sends are closed when `received` goes.
  const Received received = receive_message(handshake.descriptor(), buffer);
  if (received.outcome == Received::Outcome::nothing_yet) return Progress::waiting;
  if (received.outcome == Received::Outcome::hung_up) return Progress::over;

  if (!handshake.session) {
    const std::optional<Hello> hello = read_message<Hello>(buffer, received);
    return hello ? on_hello(handshake, *hello, admission) : Progress::over;
  }
  if (!read_message<Mapped>(buffer, received)) return Progress::over;
  if (Status sealed = handshake.session->seal_client_region(); !sealed) {
    log_warning(sealed.error().message);
    return Progress::over;
  }
  handshake.session->close_region_descriptors();
  return Progress::ready;
}

Reception::Progress Reception::on_hello(Handshake& handshake, const Hello& hello,
                                        const Admission& admission) {
  const auto refuse = [&](WelcomeStatus status) {
    const Welcome welcome{.status = status};
    send_message(handshake.socket.get(), std::as_bytes(std::span{&welcome, 1}));
    return Progress::over;
  };
  if (hello.version != protocol_version) return refuse(WelcomeStatus::wrong_version);
  if (admission.shutting_down) return refuse(WelcomeStatus::shutting_down);
  if (!grants(handshake.offered, hello.rights)) return refuse(WelcomeStatus::lane_denied);
  if (admission.sessions + sessions() >= clients_max)
    return refuse(WelcomeStatus::too_many_clients);

  Result<std::unique_ptr<Session>> session =
      Session::create(spec_, static_cast<LaneRights>(hello.rights), std::move(handshake.socket),
                      std::move(handshake.pidfd));
  if (!session) {
    log_warning(session.error().message);
    return refuse(WelcomeStatus::too_many_clients);
  }
  handshake.session = std::move(*session);
  return handshake.session->send_welcome(true) ? Progress::waiting : Progress::over;
}

}  // namespace hilo
