#include "channel/launch.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "protocol/handshake.h"

namespace hilo {

Result<Launch> Launch::prepare(const ChannelSpec& spec, LaneRights rights) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return Error{
        fmt::format("A socket pair for a program cannot be made: {}.", std::strerror(errno))};
  UniqueFd engine_end{ends[0]};
  UniqueFd program_end{ends[1]};
  Result<std::unique_ptr<Session>> session =
      Session::create(spec, rights, std::move(engine_end), UniqueFd{});
  if (!session) return session.error();
  if (Status welcomed = (*session)->send_welcome(false); !welcomed) return welcomed.error();
  return Launch{std::move(*session), std::move(program_end)};
}

std::string Launch::variable(int first) {
  return fmt::format("{}={},{},{},{}", channel_variable, first, first + 1, first + 2, first + 3);
}

std::array<int, channel_descriptors> Launch::descriptors() const {
  const std::array<int, 3> regions_and_doorbell = session_->inheritable();
  return {program_socket_.get(), regions_and_doorbell[0], regions_and_doorbell[1],
          regions_and_doorbell[2]};
}

bool Launch::inherit(int first) const {
  constexpr int count = static_cast<int>(channel_descriptors);
  std::array<int, channel_descriptors> sources = descriptors();
  // A source may sit at a number that another one is to get, so all move out of the way first.
  for (int& source : sources) {
    source = ::fcntl(source, F_DUPFD_CLOEXEC, first + count);
    if (source < 0) return false;
  }
  for (int i = 0; i < count; ++i)
    if (::dup2(sources[static_cast<size_t>(i)], first + i) < 0)
      return false;  // Clears close-on-exec.
  return true;
}

std::unique_ptr<Session> Launch::handed_over() {
  program_socket_.reset();
  return std::move(session_);
}

}  // namespace hilo
