// The limits of one channel and of the engine, in one place, with the relations between them
// checked. Both sides of a channel are compiled with these; the handshake refuses a client of
// another protocol version.
#pragma once

#include <cstdint>

namespace hilo {

// Programs that can hold a channel at the same time.
inline constexpr uint32_t clients_max = 64;

// Tasks a client may have open: submitted and not taken, or taken and its result slot not released.
inline constexpr uint32_t tasks_per_client_max = 256;

// Every task of a client may wait as a submission, a cancellation and a release at once, so
// submitting never overflows.
inline constexpr uint32_t submission_entries = 1024;
static_assert(submission_entries >= 3 * tasks_per_client_max);
static_assert((submission_entries & (submission_entries - 1)) == 0);

// Every open task has a completion place and a result slot, so completing never waits.
inline constexpr uint32_t completion_entries = tasks_per_client_max;
inline constexpr uint32_t slots_per_client = tasks_per_client_max;
static_assert((completion_entries & (completion_entries - 1)) == 0);

// The longest text, in bytes of UTF-8, and the ring of bytes that texts are passed through.
inline constexpr uint32_t text_bytes_max = 128 * 1024;
inline constexpr uint32_t text_arena_bytes = 1024 * 1024;
static_assert(text_arena_bytes >= 4 * text_bytes_max);
static_assert((text_arena_bytes & (text_arena_bytes - 1)) == 0);

// What a client may have open in each lane, in bytes of text: the engine has room for so much of
// every client until it is tokenized, so that nobody's texts are in the way of another's, and LOW
// texts not in the way of HIGH. It refuses what is more.
inline constexpr uint32_t text_bytes_open_max = text_arena_bytes;
static_assert(text_bytes_open_max >= 4 * text_bytes_max);

// The widest vector, in floats.
inline constexpr uint32_t dims_max = 4096;

// The longest token sequence that any model may ask for, special tokens included.
inline constexpr uint32_t tokens_per_task_max = 8192;

}  // namespace hilo
