// What one request, one connection and all of them together may take. Every limit has a name, an
// answer when it is passed (docs/HTTP.md has the table), and most have an option.
#pragma once

#include <cstddef>
#include <cstdint>

#include <hilo/hilo.h>

#include "base/clock.h"

namespace hilo::http {

// A header has to fit into the buffer that a connection reads into.
inline constexpr size_t header_bytes_max = 16 * 1024;
inline constexpr size_t read_bytes_max = 16 * 1024;
static_assert(header_bytes_max <= read_bytes_max);
// One write is at most this long: copying more into a socket would keep the io thread too long.
inline constexpr size_t write_bytes_max = 64 * 1024;
inline constexpr size_t text_bytes_max = HILO_TEXT_BYTES_MAX;
inline constexpr uint32_t timeout_ms_max = 3'600'000;

// From here on, parsing a body or formatting vectors is work for the bulk thread: on the io thread
// it would hold up an urgent request by more than some 100 us.
inline constexpr size_t body_bytes_at_once = 16 * 1024;
inline constexpr size_t floats_at_once = 4 * 1024;

// Vectors of tokens that all requests of a lane together may come to hold: 16 MiB, and some 50 MiB
// of JSON, which takes 12 bytes or so a float. A text alone may have more: the model's longest
// text is its own measure.
inline constexpr size_t token_floats_max = size_t{4} * 1024 * 1024;

struct Limits {
  uint32_t body_bytes_max = 16 * 1024 * 1024;  // also of what a packed body unpacks to
  uint32_t bodies_mib_max = 512;               // of all requests together
  uint32_t texts_per_request_max = 2048;
  uint32_t connections_max = 4096;
  uint32_t high_texts_max = 1024;  // read and not yet answered
  uint32_t low_texts_max = 16 * 1024;
  double header_seconds = 10;  // from the first byte of a request to the end of its header
  double body_seconds = 60;
  double idle_seconds = 75;  // between two requests
  double write_seconds = 60;
  // For the engine to answer a request without a deadline: the patience of OpenAI's clients.
  double engine_seconds = 600;
};

// At a deadline the engine answers by itself. One that has not by then so much longer hangs.
inline constexpr Nanoseconds engine_grace_ns = second_ns;

inline constexpr Nanoseconds nanoseconds(double seconds) {
  return static_cast<Nanoseconds>(seconds * static_cast<double>(second_ns));
}

}  // namespace hilo::http
