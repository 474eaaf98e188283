// Messages on the session socket: small records, with descriptors aboard where the handshake says
// so. Nothing blocks, no signal is raised, and a descriptor that nobody asked for is closed.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/unique_fd.h"

namespace hilo {

inline constexpr size_t message_descriptors_max = 3;

// False: the peer hung up, or its socket is full.
bool send_message(int socket, std::span<const std::byte> message,
                  std::span<const int> descriptors = {});

struct Received {
  enum class Outcome { message, nothing_yet, hung_up };
  Outcome outcome = Outcome::nothing_yet;
  size_t bytes = 0;  // The message's own length, also when it was longer than the room for it.
  size_t descriptor_count = 0;
  std::array<UniqueFd, message_descriptors_max> descriptors;  // Close-on-exec.
};
Received receive_message(int socket, std::span<std::byte> message);

}  // namespace hilo
