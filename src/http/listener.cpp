#include "http/listener.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fmt/format.h>

namespace hilo::http {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr int backlog = 1024;

Error cannot_listen(std::string_view where, std::string_view why) {
  return Error{fmt::format("cannot listen on {}: {}", where, why)};
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port <= 65535;
}

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};

// "127.0.0.1:8080", "[::1]:8080"
std::string numbers_of(const sockaddr_storage& address, socklen_t bytes) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), bytes, host.data(), host.size(),
                port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
  return address.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host.data(), port.data())
                                       : fmt::format("{}:{}", host.data(), port.data());
}

// The address as it came out, and whether it is a loopback address.
struct Bound {
  std::string name;
  bool local;
};
Bound describe_bound(int socket, const char* scheme) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof(address);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &bytes);
  bool local = false;
  if (address.ss_family == AF_INET6) {
    local = IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  } else {
    local = (ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24) == 127;
  }
  return {fmt::format("{}://{}", scheme, numbers_of(address, bytes)), local};
}

}  // namespace

std::string name_of_client(int connection) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof(address);
  if (::getpeername(connection, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return "";
  return address.ss_family == AF_UNIX ? "unix" : numbers_of(address, bytes);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  ListenAddress address;
  if (text.starts_with(unix_prefix)) {
    address.unix_path = text.substr(unix_prefix.size());
    if (address.unix_path.empty() || address.unix_path.size() >= sizeof(sockaddr_un::sun_path))
      return Error{fmt::format("'{}' is no path for a unix socket", text)};
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    address.host = host;
    text.remove_prefix(colon + 1);
  }
  if (!is_port(text) || address.host.empty())
    return Error{"an address to listen on is [HOST:]PORT or unix:PATH"};
  address.port = text;
  return address;
}

Result<HttpListener> HttpListener::open(const ListenAddress& address) {
  return address.unix_path.empty() ? open_tcp(address) : open_unix(address.unix_path);
}

Result<HttpListener> HttpListener::open_tcp(const ListenAddress& address) {
  const std::string where = fmt::format("{}:{}", address.host, address.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
      error != 0)
    return cannot_listen(where, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses{found};
  UniqueFd socket{
      ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP)};
  const int yes = 1;
  // A server that starts again must not wait for the connections of the last one to be forgotten.
  if (!socket.valid() ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(socket.get(), backlog) != 0)
    return cannot_listen(where, std::strerror(errno));
  Bound bound = describe_bound(socket.get(), address.scheme);
  return HttpListener{std::move(socket), std::move(bound.name), bound.local, ""};
}

Result<HttpListener> HttpListener::open_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), std::begin(address.sun_path));
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  const UniqueFd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (::connect(probe.get(), name, sizeof(address)) == 0)
    return cannot_listen(path, "another server listens there");
  if (errno == ECONNREFUSED) ::unlink(path.c_str());

  UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket.valid() || ::bind(socket.get(), name, sizeof(address)) != 0)
    return cannot_listen(path, std::strerror(errno));
  HttpListener listener{std::move(socket), fmt::format("unix:{}", path), true, path};
  // Before listen(), so that nobody else connects meanwhile.
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 ||
      ::listen(listener.descriptor(), backlog) != 0)
    return cannot_listen(path, std::strerror(errno));
  return listener;
}

HttpListener::~HttpListener() {
  if (socket_.valid() && !path_.empty()) ::unlink(path_.c_str());
}

UniqueFd HttpListener::accept() const {
  UniqueFd connection{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  const int yes = 1;
  // Answers are written whole, so nothing is gained by waiting for more. A unix socket says no.
  if (connection.valid())
    ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  return connection;
}

}  // namespace hilo::http
