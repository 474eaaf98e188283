// For tests: a client that writes whatever it likes into its region, with no library in between.
#pragma once

#include <bit>
#include <cstring>
#include <string_view>
#include <sys/socket.h>

#include "base/ensure.h"
#include "channel/session.h"

namespace hilo {

// A session over a socket pair; the other end is the test's.
struct TestChannel {
  explicit TestChannel(const ChannelSpec& spec = {.dims = 8, .tokens_max = 16, .info = "{}"},
                       LaneRights rights = LaneRights::any) {
    int ends[2];
    ENSURE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    client_socket = UniqueFd{ends[1]};
    session = std::move(*Session::create(spec, rights, UniqueFd{ends[0]}, UniqueFd{}));
  }

  UniqueFd client_socket;
  std::unique_ptr<Session> session;
};

class RawClient {
 public:
  explicit RawClient(const Session& session)
      : client_mapping_(
            *map_region(session.inheritable()[0], client_region_bytes(), Access::read_write)),
        engine_mapping_(
            *map_region(session.inheritable()[1], session.engine_mapping().bytes(), Access::read)),
        region(*static_cast<ClientRegion*>(client_mapping_.data())),
        engine(*static_cast<const EngineRegion*>(engine_mapping_.data())) {}

  // Writes an entry and publishes it.
  void push(const Submission& entry) {
    write(tail_, entry);
    region.submission_tail.value.store(++tail_, std::memory_order_seq_cst);
  }
  void write(uint32_t index, const Submission& entry) {
    const auto words = std::bit_cast<std::array<uint64_t, 8>>(entry);
    for (size_t i = 0; i < words.size(); ++i)
      region.submissions[index & (submission_entries - 1)].words[i].store(
          words[i], std::memory_order_relaxed);
  }
  void push_embed(uint64_t task, std::string_view text = "", uint32_t offset = 0) {
    std::memcpy(region.text.data() + offset, text.data(), text.size());
    push({.opcode = Opcode::embed,
          .task = task,
          .text_offset = offset,
          .text_bytes = static_cast<uint32_t>(text.size())});
  }
  void push_embed_tokens(uint64_t task, uint32_t text_bytes = 0) {
    push({.opcode = Opcode::embed, .task = task, .text_bytes = text_bytes, .tokens_from = 1});
  }
  void push_release(uint32_t slot, uint32_t generation) {
    push({.opcode = Opcode::release, .slot = slot, .generation = generation});
  }

  uint32_t completion_tail() const {
    return engine.completion_tail.value.load(std::memory_order_acquire);
  }
  Completion completion(uint32_t index) const {
    std::array<uint64_t, 8> words;
    for (size_t i = 0; i < words.size(); ++i)
      words[i] = engine.completions[index & (completion_entries - 1)].words[i].load(
          std::memory_order_relaxed);
    return std::bit_cast<Completion>(words);
  }
  void consume(uint32_t head) {
    region.completion_head.value.store(head, std::memory_order_release);
  }

 private:
  Mapping client_mapping_, engine_mapping_;
  uint32_t tail_ = 0;

 public:
  ClientRegion& region;
  const EngineRegion& engine;
};

}  // namespace hilo
