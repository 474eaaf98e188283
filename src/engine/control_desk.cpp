#include "engine/control_desk.h"

#include <algorithm>
#include <sys/eventfd.h>

#include "base/ensure.h"

namespace hilo {

void ControlDesk::Tray::put(std::unique_ptr<Session> session) {
  ENSURE(count < sessions.size());
  sessions[count] = std::move(session);
  ++count;
}

std::unique_ptr<Session> ControlDesk::Tray::take() {
  if (count == 0) return nullptr;
  --count;
  return std::move(sessions[count]);
}

ControlDesk::ControlDesk() : news_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ENSURE(news_.valid());
}

void ControlDesk::adopt(std::unique_ptr<Session> session) {
  ENSURE(session != nullptr);
  const std::lock_guard lock{mutex_};
  adopted_.put(std::move(session));
}

std::unique_ptr<Session> ControlDesk::next_adopted() {
  const std::lock_guard lock{mutex_};
  return adopted_.take();
}

void ControlDesk::retire(std::unique_ptr<Session> session) {
  {
    const std::lock_guard lock{mutex_};
    retired_.put(std::move(session));
  }
  ::eventfd_write(news_.get(), 1);
}

std::vector<std::unique_ptr<Session>> ControlDesk::take_retired() {
  eventfd_t news = 0;
  ::eventfd_read(news_.get(), &news);  // Before looking, so that no news is lost.
  std::vector<std::unique_ptr<Session>> retired;
  const std::lock_guard lock{mutex_};
  while (std::unique_ptr<Session> session = retired_.take()) retired.push_back(std::move(session));
  return retired;
}

void ControlDesk::drain(Instant deadline) {
  // Only the control thread writes it. A later deadline does not slow down an earlier order.
  drain_deadline_ns_.store(std::min(drain_deadline().ns, deadline.ns), std::memory_order_seq_cst);
}

void ControlDesk::set_drained() {
  drained_.store(true, std::memory_order_release);
  ::eventfd_write(news_.get(), 1);
}

}  // namespace hilo
