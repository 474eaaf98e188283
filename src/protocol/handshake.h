// The messages of the session socket (AF_UNIX, SOCK_SEQPACKET), in the order they are sent:
//
//   client                engine
//   Hello     --------->            Only on a connection to a socket path; a launched program
//   begins
//                                   with Welcome.
//             <---------  Welcome   With the descriptors C-region, E-region and doorbell, unless
//             the
//                                   program inherited them: HILO_CHANNEL names socket, C-region,
//                                   E-region, doorbell.
//   Mapped    --------->            The client has mapped the C-region; the engine now seals it
//                                   against writers.
//             <---------  1 byte    Any time after, if armed_socket asked for it: "look at your
//                                   completions".
//
// The end of the connection is the end of the session, whichever side closes.
#pragma once

#include <array>
#include <cstdint>

#include "protocol/bounds.h"
#include "protocol/layout.h"

namespace hilo {

inline constexpr const char* channel_variable = "HILO_CHANNEL";

struct Hello {
  uint32_t magic = protocol_magic;
  uint32_t version = protocol_version;
  uint32_t rights = 0;  // The LaneRights asked for.
  uint32_t reserved = 0;
};
static_assert(sizeof(Hello) == 16);

enum class WelcomeStatus : uint32_t {
  ok = 0,
  wrong_version = 1,
  lane_denied = 2,
  too_many_clients = 3,
  shutting_down = 4
};

struct Welcome {
  uint32_t magic = protocol_magic;
  uint32_t version = protocol_version;
  WelcomeStatus status = WelcomeStatus::ok;
  uint32_t rights = 0;      // The LaneRights granted.
  uint32_t dims = 0;        // floats in a vector
  uint32_t tokens_max = 0;  // tokens that one task is cut to, special tokens included
  uint64_t client_region_bytes = 0;
  uint64_t engine_region_bytes = 0;
  uint32_t descriptors = 0;  // How many ride on this message: 3, or 0 for a launched program.
  uint32_t reserved = 0;
};
static_assert(sizeof(Welcome) == 48);

struct Mapped {
  uint32_t magic = protocol_magic;
  uint32_t reserved = 0;
};
static_assert(sizeof(Mapped) == 8);

}  // namespace hilo
