#include "channel/listener.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace hilo {
namespace {

constexpr int connections_waiting_max = 64;
// Losing the path to another engine that takes over the same dead socket happens at most once each.
constexpr int takeovers_max = 4;

// Removes a temporary name whatever way bind() ends.
struct TemporaryPath {
  std::string path;
  ~TemporaryPath() { ::unlink(path.c_str()); }
};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

const sockaddr* plain(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

UniqueFd open_socket() {
  return UniqueFd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

// Why the path cannot be had, or nothing if the socket there belongs to nobody alive.
std::optional<Error> holder_of(const std::string& path, const struct stat& file) {
  if (!S_ISSOCK(file.st_mode))
    return Error{fmt::format("{} exists and is not a socket; name another path.", path)};
  const UniqueFd probe = open_socket();
  const sockaddr_un address = address_of(path);
  if (::connect(probe.get(), plain(address), sizeof(address)) == 0 || errno == EAGAIN)
    return Error{fmt::format(
        "An engine is already running at {}; stop it or name another path with --socket.", path)};
  if (errno == ECONNREFUSED || errno == ENOENT) return std::nullopt;
  if (errno == EPROTOTYPE)
    return Error{fmt::format("{} is another program's socket; name another path.", path)};
  return Error{fmt::format("The socket {} cannot be taken over: {}.", path, std::strerror(errno))};
}

// Takes the dead socket `stale` off the path. Another engine may have done so and put its own there
// meanwhile; then that one is put back.
void take_away(const std::string& path, const struct stat& stale, const std::string& aside) {
  if (::rename(path.c_str(), aside.c_str()) != 0) return;
  struct stat taken {};
  const bool is_stale = ::lstat(aside.c_str(), &taken) == 0 && taken.st_dev == stale.st_dev &&
                        taken.st_ino == stale.st_ino;
  if (!is_stale) static_cast<void>(::link(aside.c_str(), path.c_str()));
  ::unlink(aside.c_str());
}

Error bind_error(const std::string& path) {
  if (errno == ENOENT || errno == ENOTDIR)
    return Error{fmt::format("The folder of the socket {} does not exist; make it first.", path)};
  if (errno == EACCES || errno == EROFS || errno == EPERM)
    return Error{fmt::format(
        "The folder of the socket {} cannot be written to ({}); name another path with --socket.",
        path, std::strerror(errno))};
  return Error{fmt::format("The socket {} cannot be made: {}.", path, std::strerror(errno))};
}

}  // namespace

// The socket listens under a temporary name before it appears at `path` by link(), which never
// replaces anything. So whatever is at `path` and refuses connections is dead, not just starting.
Result<Listener> Listener::bind(const std::string& path) {
  const TemporaryPath temporary{fmt::format("{}.{}", path, ::getpid())};
  if (path.empty() || temporary.path.size() + sizeof(".old") > sizeof(sockaddr_un::sun_path))
    return Error{fmt::format("The socket path '{}' must have 1 to {} bytes.", path,
                             sizeof(sockaddr_un::sun_path) - sizeof(".1234567.old"))};
  UniqueFd socket = open_socket();
  if (!socket.valid())
    return Error{fmt::format("A socket cannot be opened: {}.", std::strerror(errno))};
  // The file's mode comes from the socket's own, so there is no moment with a wider one.
  ::fchmod(socket.get(), S_IRUSR | S_IWUSR);
  ::unlink(temporary.path.c_str());
  const sockaddr_un address = address_of(temporary.path);
  if (::bind(socket.get(), plain(address), sizeof(address)) != 0 ||
      ::listen(socket.get(), connections_waiting_max) != 0)
    return bind_error(path);

  for (int attempt = 0; attempt < takeovers_max; ++attempt) {
    struct stat file {};
    if (::link(temporary.path.c_str(), path.c_str()) == 0) {
      if (::lstat(temporary.path.c_str(), &file) != 0) return bind_error(path);
      return Listener{std::move(socket), path, file.st_dev, file.st_ino};
    }
    if (errno != EEXIST) return bind_error(path);
    if (::lstat(path.c_str(), &file) != 0) continue;
    if (std::optional<Error> holder = holder_of(path, file)) return std::move(*holder);
    take_away(path, file, temporary.path + ".old");
  }
  return Error{fmt::format("Other engines keep taking the socket {}; name another path.", path)};
}

Listener::Listener(Listener&& other) noexcept
    : socket_(std::move(other.socket_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

Listener::~Listener() {
  struct stat file {};
  if (!path_.empty() && ::lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
      file.st_ino == inode_)
    ::unlink(path_.c_str());
}

Result<UniqueFd, Listener::Refusal> Listener::accept() {
  UniqueFd connection{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (connection.valid()) return connection;
  const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
  return exhausted ? Refusal::no_descriptors : Refusal::none_waiting;
}

}  // namespace hilo
