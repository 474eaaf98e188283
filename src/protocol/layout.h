// The bytes that two processes share. docs/PROTOCOL.md draws them; the static_asserts below pin
// them, and a test holds the two together. Changing anything here means a new protocol_version.
//
// C-region: the client writes, the engine maps it read-only.
//
//   0x000000  submission_tail    u32
//   0x000080  completion_head    u32
//   0x000100  armed_futex        u32
//   0x000180  armed_socket       u32
//   0x001000  submissions[1024]  64 bytes each
//   0x011000  text arena         1 MiB
//   0x111000  end
//
// E-region: the engine writes, the client maps it read-only.
//
//   0x0000    submission_head    u32
//   0x0080    completion_tail    u32 (the futex word)
//   0x0100    need_wakeup        u32
//   0x0180    state              u32
//   0x1000    info               JSON, zero-terminated
//   0x9000    completions[256]   64 bytes each
//   0xd000    result slots[256]  slot_stride(dims) bytes each
//
// Each index word has one writer for ever and sits alone in 128 bytes, so that two cores never
// fight over its line. Indices run freely and are masked on use: `tail - head`, unsigned, is the
// number of entries.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "protocol/bounds.h"

namespace hilo {

inline constexpr uint32_t protocol_magic = 0x6f6c6968;  // "hilo"
inline constexpr uint32_t protocol_version = 3;

static_assert(std::atomic<uint32_t>::is_always_lock_free);  // A lock would not cross processes.
static_assert(std::atomic<uint64_t>::is_always_lock_free);

struct alignas(128) SharedWord {
  std::atomic<uint32_t> value;
};
static_assert(sizeof(SharedWord) == 128);

enum class Opcode : uint32_t { embed = 1, release = 2, cancel = 3, echo = 4 };

// What the bytes of a task's text are.
enum class Input : uint32_t {
  text = 0,
  ids = 1,   // token ids, u32 each: the whole sequence as it is, with nothing added
  pair = 2,  // two texts, for a cross-encoder
};

// What becomes of a text that has more tokens than the model takes.
enum class Truncation : uint32_t {
  end = 0,    // Its end is cut off.
  start = 1,  // Its start is cut off.
  refuse = 2  // It is answered as too_many_tokens.
};

// One submission, as the engine holds it after copying it out of shared memory.
struct Submission {
  Opcode opcode{};
  uint32_t lane = 0;  // A Lane. Checked by the engine against the channel's rights.
  // The client's name for the task; returned in the completion, otherwise unread.
  uint64_t task = 0;
  uint32_t text_offset = 0;    // embed, echo: where in the text arena. The text does not wrap.
  uint32_t text_bytes = 0;     // embed, echo
  uint32_t slot = 0;           // release
  uint32_t generation = 0;     // release
  uint64_t deadline_ns = 0;    // embed: CLOCK_MONOTONIC; 0 means none.
  uint32_t prompt = 0;         // embed of a text: 0 none, k the k-th prompt named in `info`.
  uint32_t input = 0;          // embed: an Input
  uint32_t truncation = 0;     // embed: a Truncation
  uint32_t raw = 0;            // embed: 1 leaves the vector's length, or the logit, as it is
  uint32_t second_begins = 0;  // embed of a pair: bytes of the first text
  uint32_t tokens_from = 0;    // embed: 0 its vector, k those of its tokens from the k-th on
};
static_assert(sizeof(Submission) == 64);

// The same 64 bytes as both sides see them in shared memory: eight words, each read exactly once.
struct alignas(64) SharedEntry {
  std::array<std::atomic<uint64_t>, 8> words;
};
static_assert(sizeof(SharedEntry) == 64);

enum class CompletionStatus : uint32_t {
  ok = 0,
  text_too_long = 1,
  invalid_utf8 = 2,
  invalid_entry = 3,  // A field of the entry made no sense: unknown prompt, bad lane or input.
  cancelled = 4,
  expired = 5,  // The deadline passed before the work began.
  shutting_down = 6,
  refused = 7,  // More work waits than the lane takes in; retry_after_ms says when to try again.
  failed = 8,   // The backend could not compute it.
  too_many_tokens = 9,  // And it was not to be truncated. `tokens` says how many the model takes.
  unknown_id = 10,      // Input was ids, and the model's vocabulary ends before one of them.
};

struct Completion {
  uint64_t task = 0;
  CompletionStatus status{};
  uint32_t slot = 0;            // no_slot unless status is ok
  uint32_t generation = 0;      // of the slot; named again when it is released
  uint32_t tokens = 0;          // tokens computed, special tokens included; for echo, bytes
  uint64_t engine_ns = 0;       // from intake to completion
  uint32_t truncated = 0;       // 1 if the text had more tokens than the model takes
  uint32_t retry_after_ms = 0;  // with refused
  uint64_t reserved1 = 0;
  uint64_t reserved2 = 0;
  uint64_t reserved3 = 0;
};
static_assert(sizeof(Completion) == 64);
inline constexpr uint32_t no_slot = 0xffffffff;

enum class EngineState : uint32_t { starting = 0, ready = 1, draining = 2, gone = 3 };

struct ClientRegion {
  SharedWord submission_tail;
  SharedWord completion_head;
  SharedWord armed_futex;  // The client adds one before each futex sleep; the engine wakes once for
                           // each value.
  SharedWord armed_socket;  // Likewise for one byte on the socket, for event loops.
  std::array<std::byte, 0x1000 - 4 * sizeof(SharedWord)> padding;
  std::array<SharedEntry, submission_entries> submissions;
  std::array<char, text_arena_bytes> text;
};
static_assert(offsetof(ClientRegion, submission_tail) == 0x000);
static_assert(offsetof(ClientRegion, completion_head) == 0x080);
static_assert(offsetof(ClientRegion, armed_futex) == 0x100);
static_assert(offsetof(ClientRegion, armed_socket) == 0x180);
static_assert(offsetof(ClientRegion, submissions) == 0x1000);
static_assert(offsetof(ClientRegion, text) == 0x11000);
static_assert(sizeof(ClientRegion) == 0x111000);

inline constexpr uint32_t info_bytes = 0x8000;

struct EngineRegion {
  SharedWord submission_head;
  SharedWord completion_tail;
  SharedWord need_wakeup;  // 1 while the engine sleeps: ring the doorbell after publishing.
  SharedWord state;        // An EngineState.
  std::array<std::byte, 0x1000 - 4 * sizeof(SharedWord)> padding;
  std::array<char, info_bytes> info;
  std::array<SharedEntry, completion_entries> completions;
  // Result slots follow: slots_per_client of slot_stride(dims) bytes.
};
static_assert(offsetof(EngineRegion, submission_head) == 0x000);
static_assert(offsetof(EngineRegion, completion_tail) == 0x080);
static_assert(offsetof(EngineRegion, need_wakeup) == 0x100);
static_assert(offsetof(EngineRegion, state) == 0x180);
static_assert(offsetof(EngineRegion, info) == 0x1000);
static_assert(offsetof(EngineRegion, completions) == 0x9000);
static_assert(sizeof(EngineRegion) == 0xd000);

// Slots start on a cache line, so that two workers never write the same one.
inline constexpr size_t slot_stride(uint32_t dims) {
  return (size_t{dims} * sizeof(float) + 63) / 64 * 64;
}
inline constexpr size_t slot_floats(uint32_t dims) { return slot_stride(dims) / sizeof(float); }
// How many vectors of its tokens a text with so many gets: they fill a channel's slots at most.
inline constexpr uint32_t token_vectors(uint32_t tokens, uint32_t tokens_from) {
  if (tokens_from == 0 || tokens_from > tokens) return 0;
  return std::min(tokens - tokens_from + 1, slots_per_client);
}
inline constexpr size_t client_region_bytes() { return sizeof(ClientRegion); }
inline constexpr size_t engine_region_bytes(uint32_t dims) {
  return (sizeof(EngineRegion) + slots_per_client * slot_stride(dims) + 4095) / 4096 * 4096;
}

}  // namespace hilo
