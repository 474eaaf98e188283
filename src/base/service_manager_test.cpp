#include "base/service_manager.h"

#include <array>
#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include <gtest/gtest.h>

#include "base/unique_fd.h"

namespace hilo {
namespace {

// A socket of its own for each name; a '@' stands for the zero byte of a name that is no path.
UniqueFd listen_at(const std::string& name) {
  UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, sizeof(address.sun_path));
  if (name[0] == '@') address.sun_path[0] = '\0';
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), bytes), 0) << name;
  return socket;
}

std::string received(const UniqueFd& socket) {
  std::array<char, 64> text{};
  const ssize_t bytes = ::recv(socket.get(), text.data(), text.size(), 0);
  return bytes < 0 ? "nothing" : std::string(text.data(), static_cast<size_t>(bytes));
}

TEST(ServiceManager, IsToldAtASocketOfEitherKind) {
  const std::string unique = std::to_string(::getpid());
  const std::string path = testing::TempDir() + "notify-" + unique;
  for (const std::string& name : {path, "@hilo-notify-" + unique}) {
    const UniqueFd socket = listen_at(name);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    tell_service_manager("READY=1");
    EXPECT_EQ(received(socket), "READY=1") << name;
  }
  ::unlink(path.c_str());
  ::unsetenv("NOTIFY_SOCKET");
}

// Fails if a process without such a socket, or with a wrong one, does not go on.
TEST(ServiceManager, MayBeAbsent) {
  ::unsetenv("NOTIFY_SOCKET");
  tell_service_manager("READY=1");
  for (const std::string& wrong :
       {std::string{}, std::string{"/nonexistent/socket"}, std::string(300, 'x')}) {
    ::setenv("NOTIFY_SOCKET", wrong.c_str(), 1);
    tell_service_manager("READY=1");
  }
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace hilo
