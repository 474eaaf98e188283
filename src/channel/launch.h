// A channel for a program that the engine is about to start. The program inherits four descriptors;
// the environment variable HILO_CHANNEL names their numbers.
//
//   Result<Launch> launch = Launch::prepare(spec, LaneRights::high);
//   const std::string variable = Launch::variable(3);          // "HILO_CHANNEL=3,4,5,6"
//   fork():
//     child   launch->inherit(3);  exec with `variable` in the environment
//     parent  launch->session().set_pidfd(...);
//             reception.expect(launch->handed_over());
#pragma once

#include <array>
#include <memory>
#include <string>

#include "channel/session.h"

namespace hilo {

class Launch {
 public:
  // Makes the socket pair and the session, and sends its Welcome, which waits in the socket.
  static Result<Launch> prepare(const ChannelSpec& spec, LaneRights rights);

  // "HILO_CHANNEL=a,b,c,d" for descriptors that begin at number `first` in the program.
  static std::string variable(int first);
  // In the child, after fork: places the descriptors at first, first + 1, ... and makes them
  // survive exec. Async-signal-safe. False if a descriptor could not be placed.
  bool inherit(int first) const;

  Session& session() { return *session_; }
  // In the parent, after fork: closes the program's end and gives the session away.
  std::unique_ptr<Session> handed_over();

 private:
  Launch(std::unique_ptr<Session> session, UniqueFd program_socket)
      : session_(std::move(session)), program_socket_(std::move(program_socket)) {}

  std::array<int, channel_descriptors> descriptors() const;

  std::unique_ptr<Session> session_;
  UniqueFd program_socket_;
};

}  // namespace hilo
