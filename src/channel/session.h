// The engine's end of one channel: two shared regions, a socket, a doorbell, and the private truth
// about them. Nothing here trusts shared memory: every word the client writes is read once,
// checked, and only the copy is used; no word the engine wrote is ever read back. A client can at
// worst end its own session.
//
// Threads: the control thread creates a session, hands its descriptors over, seals it and destroys
// it. Between adopt() and retirement exactly one intake thread calls everything under "Intake".
// slot_vector() memory is written by the worker that computes the task, before intake posts its
// completion.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "channel/region.h"
#include "protocol/bounds.h"
#include "protocol/handshake.h"
#include "protocol/lane.h"
#include "protocol/layout.h"

namespace hilo {

// What every channel of one engine has in common.
struct ChannelSpec {
  uint32_t dims = 0;
  uint32_t tokens_max = 0;
  // JSON for hilo_info(): model, dims, tokens_max, prompts. Shorter than info_bytes.
  std::string info;
};

// Descriptors for a launched program, in the order that HILO_CHANNEL names them.
inline constexpr size_t channel_descriptors = 4;  // socket, C-region, E-region, doorbell

class Session {
 public:
  // ---- Control thread

  // Makes both regions (sealed, populated, so that no later access can fault) and the doorbell.
  // `socket` is the engine's end, taken over on success only; `pidfd` may be invalid when the peer
  // is unknown.
  static Result<std::unique_ptr<Session>> create(const ChannelSpec& spec, LaneRights rights,
                                                 UniqueFd&& socket, UniqueFd&& pidfd);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Sends Welcome; with the three descriptors on board unless the program inherits them.
  Status send_welcome(bool with_descriptors);
  // The client's Mapped message has come: seal the C-region against any further writable mapping.
  Status seal_client_region();
  // For a launched program: the descriptors to inherit besides its end of the socket.
  std::array<int, 3> inheritable() const;  // C-region, E-region, doorbell
  void set_pidfd(UniqueFd pidfd);
  // After the handover the engine keeps only its mappings: closes its own memfd descriptors.
  void close_region_descriptors();

  int socket() const { return socket_.get(); }
  int pidfd() const { return pidfd_.get(); }
  // An eventfd to watch with EPOLLET; never read by the engine.
  int doorbell() const { return doorbell_.get(); }
  LaneRights rights() const { return rights_; }
  uint64_t id() const { return id_; }  // Never reused within an engine.

  // ---- Intake

  enum class Next {
    empty,      // Nothing submitted.
    entry,      // `entry` is a checked embed, echo or cancel. Call copy_text() if it has text, then
                // advance().
    violation,  // The client broke the protocol: end this session. violation() says how.
  };
  // Looks at the oldest submission. Releases are handled inside and skipped. Opcode, text bounds
  // (offset and length inside the arena) and credits are checked: on `entry` with embed or echo a
  // completion place and a slot are free; all slots, if it asks for the vectors of tokens. Text
  // longer than text_bytes_max is passed on with its length for an error completion; copy_text()
  // must not be called then.
  Next next(Submission& entry);
  // Copies the text of `entry` out of shared memory. `to` has room for entry.text_bytes.
  void copy_text(const Submission& entry, std::span<char> to) const;
  // The submission is the engine's now; its entry and its text space may be reused by the client
  // (published by flush()).
  void advance();
  std::string_view violation() const { return violation_; }
  // Releases that named a slot not lent, or not in this generation. Harmless; counted for the
  // curious.
  uint64_t releases_ignored() const { return releases_ignored_; }

  // Opens a task: takes one credit (next() made sure there is one) and a free result slot.
  struct Slot {
    uint32_t index;
    uint32_t generation;
  };
  Slot open_task();
  // Takes all slots, for vectors that follow each other from the first one on. It is opened,
  // completed and released as a single slot is.
  Slot open_task_in_all_slots();
  // Where the vector of a slot is written: dims floats, 64-byte aligned.
  float* slot_vector(uint32_t slot);
  std::span<std::byte> slot_bytes(uint32_t slot);

  // Puts the completion of an open task where the client will see it after flush(). With status ok
  // the slot stays lent until the client releases it; otherwise it is free again at once and
  // `completion.slot` is no_slot.
  void complete(Slot slot, const Completion& completion);
  uint32_t tasks_open() const { return tasks_open_; }  // opened and not completed

  // Publishes the moved head and tail, and wakes the client if it armed itself. Cheap when nothing
  // changed.
  void flush();
  // Sleep protocol: before epoll the engine sets need_wakeup on every session, then looks at next()
  // once more.
  void set_need_wakeup(bool sleeping);
  // True if the client has published something that next() has not seen. One load.
  bool has_submissions() const;
  void set_state(EngineState state);

  // The engine's own mappings, for tests that put both ends of a channel into one process.
  const Mapping& client_mapping() const { return client_mapping_; }
  const Mapping& engine_mapping() const { return engine_mapping_; }

 private:
  Session() = default;

  // A result slot belongs to nobody (free), to a task that is being computed (open), or to the
  // client until its release (lent). The generation counts how often it was opened.
  enum class SlotState : uint32_t { free, open, lent };
  struct SlotRecord {
    SlotState state;
    uint32_t generation;
  };

  Next violate(std::string_view how);
  bool see_submissions();
  bool see_completion_head();
  bool has_credit(uint32_t slots) const;
  Slot open_slot(uint32_t index);
  void release_slot(const Submission& entry);
  void free_slot(uint32_t slot);
  void wake_client();

  // The mappings; const where the engine only reads.
  const ClientRegion* client_ = nullptr;
  EngineRegion* engine_ = nullptr;
  std::byte* slots_memory_ = nullptr;
  size_t slot_stride_ = 0;

  // Our own indices, and the last checked value of the client's. Never taken back from shared
  // memory.
  uint32_t submission_head_ = 0;
  uint32_t submission_head_published_ = 0;
  uint32_t submission_tail_seen_ = 0;
  uint32_t completion_tail_ = 0;
  uint32_t completion_tail_published_ = 0;
  uint32_t completion_head_seen_ = 0;
  uint32_t armed_futex_served_ = 0;
  uint32_t armed_socket_served_ = 0;

  uint32_t tasks_open_ = 0;
  uint32_t slots_free_ = 0;
  bool first_slot_is_all_ = false;  // One task has them, or its client; none of the others is free.
  std::array<uint32_t, slots_per_client>
      free_slots_{};  // A stack: the warmest slot is reused first.
  std::array<SlotRecord, slots_per_client> slots_{};
  uint64_t releases_ignored_ = 0;
  std::string_view violation_;

  UniqueFd socket_, pidfd_, doorbell_;
  UniqueFd client_descriptor_, engine_descriptor_;  // Closed after the handover.
  Mapping client_mapping_, engine_mapping_;
  LaneRights rights_ = LaneRights::high;
  uint32_t dims_ = 0;
  uint32_t tokens_max_ = 0;
  uint64_t id_ = 0;
};

}  // namespace hilo
