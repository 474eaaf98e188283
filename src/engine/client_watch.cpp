#include "engine/client_watch.h"

#include <algorithm>
#include <array>
#include <sys/epoll.h>

#include "base/ensure.h"

namespace hilo {
namespace {

// What an event says: the client of this number has gone, or only "look for work".
constexpr uint64_t look_for_work = clients_max;
constexpr size_t events_max = 64;

}  // namespace

ClientWatch::ClientWatch(const Bell& bell) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  ENSURE(epoll_.valid());
  ENSURE(watch(bell.descriptor(), EPOLLIN | EPOLLET, look_for_work));
}

bool ClientWatch::watch(int descriptor, uint32_t events, uint64_t meaning) {
  epoll_event event{.events = events, .data = {.u64 = meaning}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool ClientWatch::add(uint32_t client, const Session& session) {
  // Edge-triggered: a doorbell is never read, so that a client can neither drain nor fill it under
  // us; and of a socket only the hang-up counts, so that a client cannot keep us awake by writing.
  return watch(session.doorbell(), EPOLLIN | EPOLLET, look_for_work) &&
         watch(session.socket(), EPOLLRDHUP | EPOLLET, client) &&
         (session.pidfd() < 0 || watch(session.pidfd(), EPOLLIN | EPOLLET, client));
}

void ClientWatch::remove(const Session& session) {
  // By hand, because the program may hold duplicates, which keep a closed descriptor in the set.
  for (const int descriptor : {session.doorbell(), session.socket(), session.pidfd()})
    if (descriptor >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

uint64_t ClientWatch::wait(Nanoseconds timeout) {
  std::array<epoll_event, events_max> events;
  const auto timeout_ms = static_cast<int>((timeout + millisecond_ns - 1) / millisecond_ns);
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  uint64_t gone = 0;
  for (int i = 0; i < std::max(count, 0); ++i)
    if (const uint64_t meaning = events[static_cast<size_t>(i)].data.u64; meaning != look_for_work)
      gone |= uint64_t{1} << meaning;
  return gone;
}

}  // namespace hilo
