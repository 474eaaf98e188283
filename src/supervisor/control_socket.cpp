#include "supervisor/control_socket.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <span>
#include <sys/epoll.h>

#include "channel/message.h"

namespace hilo {

ControlSocket::ControlSocket(Listener listener, UniqueFd epoll, Answer answer)
    : listener_(std::move(listener)),
      epoll_(std::move(epoll)),
      answer_(std::move(answer)),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  connections_.reserve(control_connections_max);
}

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(const std::string& path, Answer answer) {
  auto listener = Listener::bind(path);
  if (!listener) return listener.error();
  UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  std::unique_ptr<ControlSocket> control{
      new ControlSocket{std::move(*listener), std::move(epoll), std::move(answer)}};
  if (!control->watch(control->listener_.descriptor()))
    return Error{"No descriptors are left for a control socket."};
  return control;
}

bool ControlSocket::watch(int descriptor) {
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.fd = descriptor}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void ControlSocket::advance(Instant now) {
  if (now < rests_until_) return;
  std::array<epoll_event, 1 + control_connections_max> events;
  const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  if (ready <= 0) return;
  rests_until_ = now + control_rest;
  for (const epoll_event& event : std::span{events}.first(static_cast<size_t>(ready))) {
    const auto asking = std::ranges::find(connections_, event.data.fd, &UniqueFd::get);
    if (asking == connections_.end()) continue;
    if (answer_one(asking->get(), now))
      std::rotate(asking, asking + 1, connections_.end());
    else
      connections_.erase(asking);
  }
  let_in();
}

// One a round: a flood of connections gets no more of this thread than a flood of questions.
void ControlSocket::let_in() {
  auto connection = listener_.accept();
  if (!connection && connection.error() == Listener::Refusal::no_descriptors) {
    spare_.reset();
    static_cast<void>(listener_.accept());  // Closed at once, or its number would be the spare's.
    spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  if (!connection || !watch(connection->get())) return;
  if (connections_.size() == control_connections_max) connections_.erase(connections_.begin());
  connections_.push_back(std::move(*connection));
}

// False: the connection is over.
bool ControlSocket::answer_one(int connection, Instant now) const {
  std::array<std::byte, control_question_bytes_max> question;
  const Received received = receive_message(connection, question);
  if (received.outcome == Received::Outcome::nothing_yet) return true;
  if (received.outcome == Received::Outcome::hung_up || received.bytes > question.size())
    return false;
  const std::string answer =
      answer_({reinterpret_cast<const char*>(question.data()), received.bytes}, now);
  return send_message(connection, std::as_bytes(std::span{answer}));
}

}  // namespace hilo
