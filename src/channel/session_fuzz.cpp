// The bytes of a hostile C-region, and when the engine looks at them. Input: a list of steps; each
// either writes somewhere into the region or lets the engine do one thing. The rules that must hold
// whatever is written are checked after every step; the sanitizers watch the rest.
#include <cstdint>
#include <cstring>
#include <vector>

#include "channel/raw_client.h"

namespace hilo {
namespace {

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t count) : rest_(data, count) {}
  bool empty() const { return rest_.empty(); }
  template <class T>
  T take() {
    T value{};
    const size_t count = std::min(sizeof(T), rest_.size());
    std::memcpy(&value, rest_.data(), count);
    rest_ = rest_.subspan(count);
    return value;
  }

 private:
  std::span<const uint8_t> rest_;
};

class Run {
 public:
  // False: the session has violated the protocol, and must say so for ever.
  bool step(Bytes& bytes) {
    switch (bytes.take<uint8_t>() % 9) {
      case 0:
        client_.region.submission_tail.value.store(bytes.take<uint32_t>());
        break;
      case 1:
        client_.region.completion_head.value.store(bytes.take<uint32_t>());
        break;
      case 2:
        client_.region.armed_socket.value.store(bytes.take<uint32_t>());
        client_.region.armed_futex.value.store(bytes.take<uint32_t>());
        break;
      case 3:
        client_.write(bytes.take<uint16_t>(), bytes.take<Submission>());
        break;
      case 4:
        push_likely(bytes);
        break;
      case 5:
        client_.consume(client_.completion_tail());
        break;
      case 6:
        complete(bytes.take<uint8_t>(), bytes.take<uint8_t>() % 2 == 0);
        break;
      case 7:
        session_.flush();
        break;
      default:
        return look();
    }
    return true;
  }

 private:
  // An entry that is nearly right: most steps should get past the first check.
  void push_likely(Bytes& bytes) {
    client_.push({.opcode = static_cast<Opcode>(1 + bytes.take<uint8_t>() % 4),
                  .text_offset = bytes.take<uint32_t>() % (text_arena_bytes + 2),
                  .text_bytes = bytes.take<uint32_t>() % (text_bytes_max + 2),
                  .slot = bytes.take<uint8_t>(),
                  .generation = bytes.take<uint8_t>(),
                  .tokens_from = bytes.take<uint8_t>() % 2U});
  }
  bool look() {
    Submission entry;
    const Session::Next next = session_.next(entry);
    if (next == Session::Next::violation) {
      ENSURE(!session_.violation().empty());
      ENSURE(session_.next(entry) == Session::Next::violation);
      return false;
    }
    if (next == Session::Next::empty) return true;
    if (entry.opcode != Opcode::cancel) {
      if (entry.text_bytes <= text_bytes_max) session_.copy_text(entry, text_);
      const bool in_all = entry.opcode == Opcode::embed && entry.tokens_from > 0;
      const Session::Slot slot = in_all ? session_.open_task_in_all_slots() : session_.open_task();
      ENSURE(!in_all || open_.empty());
      for (const Session::Slot& other : open_) ENSURE(other.index != slot.index);
      std::memset(session_.slot_bytes(slot.index).data(), 1,
                  session_.slot_bytes(slot.index).size());
      open_.push_back(slot);
    }
    session_.advance();
    ENSURE(session_.tasks_open() == open_.size());
    ENSURE(open_.size() <= tasks_per_client_max);
    return true;
  }
  void complete(uint8_t which, bool ok) {
    if (open_.empty()) return;
    const size_t index = which % open_.size();
    session_.complete(open_[index],
                      {.status = ok ? CompletionStatus::ok : CompletionStatus::failed});
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  TestChannel channel_;
  Session& session_ = *channel_.session;
  RawClient client_{session_};
  std::vector<Session::Slot> open_;
  std::vector<char> text_ = std::vector<char>(text_bytes_max);
};

}  // namespace
}  // namespace hilo

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hilo::Bytes bytes{data, size};
  hilo::Run run;
  while (!bytes.empty() && run.step(bytes)) {
  }
  return 0;
}
