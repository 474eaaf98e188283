#include "client/opening.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include "channel/message.h"
#include "channel/socket_path.h"
#include "protocol/handshake.h"
#include "protocol/layout.h"

namespace hilo {
namespace {

constexpr int connect_pause_ms = 1;

// What Welcome and its descriptors, or the inherited ones, amount to before they are mapped.
struct Offer {
  Welcome welcome;
  UniqueFd client_region;
  UniqueFd engine_region;
  UniqueFd doorbell;
};

OpenError gone() {
  return {HILO_ENGINE_GONE, "The engine hung up during the handshake; its log says why."};
}

OpenError refused(WelcomeStatus status) {
  switch (status) {
    case WelcomeStatus::ok:
      break;
    case WelcomeStatus::wrong_version:
      return {HILO_PROTOCOL,
              "The engine and this library are of different versions; install the same one."};
    case WelcomeStatus::lane_denied:
      return {HILO_LANE_DENIED, "This socket does not give that lane; ask for another one."};
    case WelcomeStatus::too_many_clients:
      return {HILO_REFUSED,
              "The engine has no room for another client; close one or try again later."};
    case WelcomeStatus::shutting_down:
      return {HILO_SHUTTING_DOWN, "The engine is shutting down and takes no new clients."};
  }
  return {HILO_PROTOCOL, "The engine answered with a status that this library does not know."};
}

Result<Received, OpenError> wait_for_message(int socket, std::span<std::byte> message,
                                             Instant deadline) {
  for (;;) {
    Received received = receive_message(socket, message);
    if (received.outcome == Received::Outcome::message) return received;
    if (received.outcome == Received::Outcome::hung_up) return gone();
    const Nanoseconds left = deadline - monotonic_now();
    if (left <= 0)
      return OpenError{HILO_TIMED_OUT, "The engine accepted the connection and did not answer."};
    pollfd readable{.fd = socket, .events = POLLIN, .revents = 0};
    ::poll(&readable, 1, static_cast<int>(left / millisecond_ns) + 1);
  }
}

Result<Offer, OpenError> wait_for_offer(int socket, Instant deadline) {
  Offer offer;
  Result<Received, OpenError> received =
      wait_for_message(socket, std::as_writable_bytes(std::span{&offer.welcome, 1}), deadline);
  if (!received) return received.error();
  const Welcome& welcome = offer.welcome;
  if (received->bytes != sizeof(Welcome) || welcome.magic != protocol_magic)
    return OpenError{HILO_PROTOCOL, "Whoever listens there does not speak hilo's protocol."};
  if (welcome.version != protocol_version) return refused(WelcomeStatus::wrong_version);
  if (welcome.status != WelcomeStatus::ok) return refused(welcome.status);
  if (welcome.descriptors != received->descriptor_count || welcome.dims == 0 ||
      welcome.dims > dims_max || welcome.client_region_bytes != client_region_bytes() ||
      welcome.engine_region_bytes != engine_region_bytes(welcome.dims))
    return OpenError{HILO_PROTOCOL, "The engine's regions are not what this library expects."};
  offer.client_region = std::move(received->descriptors[0]);
  offer.engine_region = std::move(received->descriptors[1]);
  offer.doorbell = std::move(received->descriptors[2]);
  return offer;
}

bool has_size(const UniqueFd& descriptor, size_t bytes) {
  struct stat file {};
  return ::fstat(descriptor.get(), &file) == 0 && static_cast<size_t>(file.st_size) == bytes;
}

Opening map_offer(Offer offer, UniqueFd socket) {
  const size_t engine_bytes = engine_region_bytes(offer.welcome.dims);
  if (!has_size(offer.client_region, client_region_bytes()) ||
      !has_size(offer.engine_region, engine_bytes))
    return OpenError{HILO_PROTOCOL, "The engine's regions have another size than it says."};
  Result<Mapping> client_region =
      map_region(offer.client_region.get(), client_region_bytes(), Access::read_write);
  if (!client_region) return OpenError{HILO_NO_MEMORY, client_region.error().message};
  Result<Mapping> engine_region = map_region(offer.engine_region.get(), engine_bytes, Access::read);
  if (!engine_region) return OpenError{HILO_NO_MEMORY, engine_region.error().message};
  const Mapped mapped;
  if (!send_message(socket.get(), std::as_bytes(std::span{&mapped, 1}))) return gone();
  return OpenChannel{.socket = std::move(socket),
                     .doorbell = std::move(offer.doorbell),
                     .client_region = std::move(*client_region),
                     .engine_region = std::move(*engine_region),
                     .rights = static_cast<LaneRights>(offer.welcome.rights),
                     .dims = offer.welcome.dims,
                     .tokens_max = offer.welcome.tokens_max};
}

bool is_session_socket(int descriptor) {
  int domain = 0;
  int type = 0;
  socklen_t bytes = sizeof(int);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) != 0) return false;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &bytes) != 0) return false;
  return domain == AF_UNIX && type == SOCK_SEQPACKET;
}

bool is_sealed_region(int descriptor) {
  const int seals = ::fcntl(descriptor, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

OpenError connect_error(const std::string& path) {
  const char* const reason = std::strerror(errno);
  if (errno == ENOENT)
    return {HILO_NOT_FOUND,
            fmt::format("No engine listens at {}; start one with hilo serve.", path)};
  if (errno == ECONNREFUSED)
    return {
        HILO_NOT_FOUND,
        fmt::format("The engine that listened at {} is gone; start one with hilo serve.", path)};
  return {HILO_NOT_FOUND, fmt::format("The socket {} cannot be connected to: {}.", path, reason)};
}

Result<UniqueFd, OpenError> connect_to(const std::string& path, Instant deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return OpenError{HILO_INVALID_ARGUMENT, fmt::format("The socket path {} is too long.", path)};
  path.copy(address.sun_path, path.size());
  UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket.valid())
    return OpenError{HILO_NO_MEMORY,
                     fmt::format("A socket cannot be opened: {}.", std::strerror(errno))};
  // EAGAIN: the engine has more connections waiting than it lets queue up, and will come to them.
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
         0) {
    if (errno != EAGAIN && errno != EINTR) return connect_error(path);
    if (monotonic_now() > deadline)
      return OpenError{HILO_TIMED_OUT, fmt::format("The engine at {} does not answer.", path)};
    ::poll(nullptr, 0, connect_pause_ms);  // Nothing tells when there is room in the queue.
  }
  return socket;
}

Opening shake_hands(UniqueFd socket, LaneRights rights, Instant deadline) {
  const Hello hello{.rights = static_cast<uint32_t>(rights)};
  if (!send_message(socket.get(), std::as_bytes(std::span{&hello, 1}))) return gone();
  Result<Offer, OpenError> offer = wait_for_offer(socket.get(), deadline);
  if (!offer) return offer.error();
  if (offer->welcome.descriptors != message_descriptors_max)
    return OpenError{HILO_PROTOCOL, "The engine sent no shared memory."};
  return map_offer(std::move(*offer), std::move(socket));
}

// Four numbers with commas between them, and nothing else.
std::optional<std::array<int, 4>> parse_numbers(std::string_view text) {
  std::array<int, 4> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) {
      if (at == end || *at != ',') return std::nullopt;
      ++at;
    }
    const auto [after, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc{}) return std::nullopt;
    at = after;
  }
  return at == end ? std::optional{numbers} : std::nullopt;
}

}  // namespace

Opening open_inherited() {
  static std::atomic<bool> taken{false};
  const char* const variable = std::getenv(channel_variable);
  const std::optional<std::array<int, 4>> parsed =
      parse_numbers(variable == nullptr ? "" : variable);
  if (!parsed)
    return OpenError{HILO_NOT_FOUND,
                     "HILO_CHANNEL does not name a channel: this program was not started by hilo "
                     "run; connect to a socket instead."};
  if (taken.exchange(true))
    return OpenError{HILO_NOT_FOUND, "This process took its channel already; share that client."};
  const std::array<int, 4>& numbers = *parsed;
  // A program that ours started has the variable, but not the descriptors: those numbers may be
  // anything there, so they are looked at before they are owned.
  if (!is_session_socket(numbers[0]) || !is_sealed_region(numbers[1]) ||
      !is_sealed_region(numbers[2]))
    return OpenError{HILO_NOT_FOUND,
                     fmt::format("HILO_CHANNEL={} names descriptors that are not a channel: it was "
                                 "meant for the program that started this one.",
                                 variable)};
  for (const int number : numbers) ::fcntl(number, F_SETFD, FD_CLOEXEC);
  UniqueFd socket{numbers[0]};
  UniqueFd client_region{numbers[1]};
  UniqueFd engine_region{numbers[2]};
  UniqueFd doorbell{numbers[3]};
  Result<Offer, OpenError> offer = wait_for_offer(socket.get(), monotonic_now() + opening_wait_max);
  if (!offer) return offer.error();
  offer->client_region = std::move(client_region);
  offer->engine_region = std::move(engine_region);
  offer->doorbell = std::move(doorbell);
  return map_offer(std::move(*offer), std::move(socket));
}

Opening open_path(const char* path_or_null, LaneRights rights) {
  const Result<std::string> path =
      path_or_null != nullptr ? Result<std::string>{path_or_null} : default_socket_path();
  if (!path) return OpenError{HILO_NOT_FOUND, path.error().message};
  const Instant deadline = monotonic_now() + opening_wait_max;
  Result<UniqueFd, OpenError> socket = connect_to(*path, deadline);
  if (!socket) return socket.error();
  if (path_or_null == nullptr && !is_ours_or_roots(socket->get()))
    return OpenError{
        HILO_NOT_FOUND,
        fmt::format("The socket {} belongs to another user; name it to use it.", *path)};
  return shake_hands(std::move(*socket), rights, deadline);
}

Opening open_connected(UniqueFd socket, LaneRights rights) {
  if (!is_session_socket(socket.get()))
    return OpenError{HILO_INVALID_ARGUMENT,
                     "The descriptor is not a connected AF_UNIX SOCK_SEQPACKET socket."};
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  return shake_hands(std::move(socket), rights, monotonic_now() + opening_wait_max);
}

}  // namespace hilo
