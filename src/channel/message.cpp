#include "channel/message.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/ensure.h"

namespace hilo {
namespace {

// Room for exactly the descriptors of one Welcome: the kernel drops what exceeds it.
struct ControlBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(message_descriptors_max * sizeof(int))> bytes{};
};

void take_descriptors(msghdr& header, Received& received) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int descriptor;
      std::memcpy(&descriptor, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
      UniqueFd owned{descriptor};
      if (received.descriptor_count < message_descriptors_max)
        received.descriptors[received.descriptor_count++] = std::move(owned);
    }
  }
}

}  // namespace

bool send_message(int socket, std::span<const std::byte> message,
                  std::span<const int> descriptors) {
  ENSURE(descriptors.size() <= message_descriptors_max);
  iovec part{const_cast<std::byte*>(message.data()), message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ControlBuffer buffer;
  if (!descriptors.empty()) {
    header.msg_control = buffer.bytes.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(control), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(message.size());
}

Received receive_message(int socket, std::span<std::byte> message) {
  iovec part{message.data(), message.size()};
  ControlBuffer buffer;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = buffer.bytes.data();
  header.msg_controllen = buffer.bytes.size();
  ssize_t bytes;
  do {
    bytes = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
  } while (bytes < 0 && errno == EINTR);

  Received received;
  if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return received;
  if (bytes <= 0) {
    received.outcome = Received::Outcome::hung_up;
    return received;
  }
  received.outcome = Received::Outcome::message;
  received.bytes = static_cast<size_t>(bytes);
  take_descriptors(header, received);
  return received;
}

}  // namespace hilo
