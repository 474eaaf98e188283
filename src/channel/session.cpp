#include "channel/session.h"

#include <algorithm>
#include <bit>
#include <climits>
#include <cstring>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "base/ensure.h"
#include "channel/message.h"

namespace hilo {
namespace {

static_assert(client_region_bytes() <= region_bytes_max);
static_assert(engine_region_bytes(dims_max) <= region_bytes_max);

constexpr uint32_t place_of(uint32_t index, uint32_t entries) { return index & (entries - 1); }

// Each word is loaded exactly once: the client may still be writing, so only the copy can be
// checked.
Submission copy_entry(const SharedEntry& shared) {
  std::array<uint64_t, 8> words;
  for (size_t i = 0; i < words.size(); ++i)
    // Partner: the client's stores before its store of submission_tail, which we have acquired.
    words[i] = shared.words[i].load(std::memory_order_relaxed);
  return std::bit_cast<Submission>(words);
}

bool has_text(Opcode opcode) { return opcode == Opcode::embed || opcode == Opcode::echo; }

// A task for the vectors of tokens has them all.
uint32_t slots_for(const Submission& entry) {
  return entry.opcode == Opcode::embed && entry.tokens_from > 0 ? slots_per_client : 1;
}

bool text_is_inside(const Submission& entry) {
  return entry.text_offset <= text_arena_bytes &&
         entry.text_bytes <= text_arena_bytes - entry.text_offset;
}

uint64_t next_session_id() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

// ---- Control thread

Result<std::unique_ptr<Session>> Session::create(const ChannelSpec& spec, LaneRights rights,
                                                 UniqueFd&& socket, UniqueFd&& pidfd) {
  ENSURE(spec.dims > 0);
  ENSURE(spec.dims <= dims_max);
  ENSURE(spec.info.size() < info_bytes);

  Result<UniqueFd> client_region = make_region("hilo-client", client_region_bytes());
  if (!client_region) return client_region.error();
  Result<UniqueFd> engine_region = make_region("hilo-engine", engine_region_bytes(spec.dims));
  if (!engine_region) return engine_region.error();
  Result<Mapping> client_mapping =
      map_region(client_region->get(), client_region_bytes(), Access::read);
  if (!client_mapping) return client_mapping.error();
  // The one writable mapping that the E-region will ever have, made before the seal.
  Result<Mapping> engine_mapping =
      map_region(engine_region->get(), engine_region_bytes(spec.dims), Access::read_write);
  if (!engine_mapping) return engine_mapping.error();
  if (Status sealed = seal_against_writers(engine_region->get()); !sealed) return sealed.error();
  UniqueFd doorbell{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!doorbell.valid()) return Error{"No descriptor is left for another client's doorbell."};

  std::unique_ptr<Session> session{new Session};
  session->client_ = static_cast<const ClientRegion*>(client_mapping->data());
  session->engine_ = static_cast<EngineRegion*>(engine_mapping->data());
  session->slots_memory_ = static_cast<std::byte*>(engine_mapping->data()) + sizeof(EngineRegion);
  session->slot_stride_ = slot_stride(spec.dims);
  session->slots_free_ = slots_per_client;
  for (uint32_t slot = 0; slot < slots_per_client; ++slot)
    session->free_slots_[slot] = slots_per_client - 1 - slot;
  session->socket_ = std::move(socket);
  session->pidfd_ = std::move(pidfd);
  session->doorbell_ = std::move(doorbell);
  session->client_descriptor_ = std::move(*client_region);
  session->engine_descriptor_ = std::move(*engine_region);
  session->client_mapping_ = std::move(*client_mapping);
  session->engine_mapping_ = std::move(*engine_mapping);
  session->rights_ = rights;
  session->dims_ = spec.dims;
  session->tokens_max_ = spec.tokens_max;
  session->id_ = next_session_id();
  std::copy(spec.info.begin(), spec.info.end(), session->engine_->info.begin());
  session->set_state(EngineState::ready);
  return session;
}

Session::~Session() {
  set_state(EngineState::gone);
  wake_client();
}

Status Session::send_welcome(bool with_descriptors) {
  const Welcome welcome{.rights = static_cast<uint32_t>(rights_),
                        .dims = dims_,
                        .tokens_max = tokens_max_,
                        .client_region_bytes = client_region_bytes(),
                        .engine_region_bytes = engine_region_bytes(dims_),
                        .descriptors = with_descriptors ? 3U : 0U};
  const std::array<int, 3> descriptors = inheritable();
  const std::span<const int> aboard =
      with_descriptors ? std::span<const int>{descriptors} : std::span<const int>{};
  if (!send_message(socket_.get(), std::as_bytes(std::span{&welcome, 1}), aboard))
    return Error{"The client hung up before it was welcomed."};
  return {};
}

Status Session::seal_client_region() {
  if (Status sealed = seal_against_writers(client_descriptor_.get()); !sealed) return sealed;
  // Before the seal the client could punch holes; from here on what is filled stays.
  if (Status filled = fill_holes(client_descriptor_.get(), client_region_bytes()); !filled)
    return filled;
  Result<Mapping> mapping =
      map_region(client_descriptor_.get(), client_region_bytes(), Access::read);
  if (!mapping) return mapping.error();
  client_mapping_ = std::move(*mapping);
  client_ = static_cast<const ClientRegion*>(client_mapping_.data());
  return {};
}

std::array<int, 3> Session::inheritable() const {
  return {client_descriptor_.get(), engine_descriptor_.get(), doorbell_.get()};
}

void Session::set_pidfd(UniqueFd pidfd) { pidfd_ = std::move(pidfd); }

void Session::close_region_descriptors() {
  client_descriptor_.reset();
  engine_descriptor_.reset();
}

// ---- Intake

Session::Next Session::violate(std::string_view how) {
  violation_ = how;
  return Next::violation;
}

// Brings submission_tail_seen_ up to date. False: the tail is more than a ring ahead, or behind.
bool Session::see_submissions() {
  // Partner: the client's store of submission_tail after it wrote entries and text.
  const uint32_t tail = client_->submission_tail.value.load(std::memory_order_acquire);
  if (tail - submission_head_ > submission_entries) return false;
  submission_tail_seen_ = tail;
  return true;
}

// Brings completion_head_seen_ up to date. False: it went back, or past what was published.
bool Session::see_completion_head() {
  // Partner: the client's store of completion_head after it copied completions out.
  const uint32_t head = client_->completion_head.value.load(std::memory_order_acquire);
  if (completion_tail_published_ - head > completion_tail_published_ - completion_head_seen_)
    return false;
  completion_head_seen_ = head;
  return true;
}

// A task needs its slots, and a place in the ring for its completion besides those of the tasks
// that are open and of the completions that the client has not taken.
bool Session::has_credit(uint32_t slots) const {
  return slots_free_ >= slots &&
         tasks_open_ + (completion_tail_ - completion_head_seen_) < completion_entries;
}

Session::Next Session::next(Submission& entry) {
  if (!violation_.empty()) return Next::violation;
  // One look at the tail for each call: a client that keeps moving it cannot hold us in this loop.
  if (submission_head_ == submission_tail_seen_ && !see_submissions())
    return violate("it moved its submission tail out of the ring");
  while (submission_head_ != submission_tail_seen_) {
    const uint32_t place = place_of(submission_head_, submission_entries);
    entry = copy_entry(client_->submissions[place]);
    switch (entry.opcode) {
      case Opcode::release:
        release_slot(entry);
        ++submission_head_;
        continue;
      case Opcode::cancel:
        return Next::entry;
      case Opcode::embed:
      case Opcode::echo:
        if (entry.text_bytes <= text_bytes_max && !text_is_inside(entry))
          return violate("it submitted a text outside its arena");
        if (!has_credit(slots_for(entry)) && !see_completion_head())
          return violate("it moved its completion head out of the ring");
        if (!has_credit(slots_for(entry)))
          return violate("it submitted more tasks than it may have open");
        return Next::entry;
    }
    return violate("it submitted an unknown opcode");
  }
  return Next::empty;
}

void Session::copy_text(const Submission& entry, std::span<char> to) const {
  ENSURE(has_text(entry.opcode));
  ENSURE(entry.text_bytes <= text_bytes_max);
  ENSURE(text_is_inside(entry));
  ENSURE(to.size() >= entry.text_bytes);
  // The client may still scribble here; whatever arrives is checked in the copy only.
  std::memcpy(to.data(), client_->text.data() + entry.text_offset, entry.text_bytes);
}

void Session::advance() {
  ENSURE(submission_head_ != submission_tail_seen_);
  ++submission_head_;
}

Session::Slot Session::open_task() {
  ENSURE(has_credit(1));
  return open_slot(free_slots_[--slots_free_]);
}

// The stack of free slots keeps all of them, and is full again when they come back.
Session::Slot Session::open_task_in_all_slots() {
  ENSURE(has_credit(slots_per_client));
  slots_free_ = 0;
  first_slot_is_all_ = true;
  return open_slot(0);
}

Session::Slot Session::open_slot(uint32_t index) {
  SlotRecord& record = slots_[index];
  ENSURE(record.state == SlotState::free);
  record.state = SlotState::open;
  ++record.generation;
  ++tasks_open_;
  return {index, record.generation};
}

float* Session::slot_vector(uint32_t slot) {
  return reinterpret_cast<float*>(slot_bytes(slot).data());
}

std::span<std::byte> Session::slot_bytes(uint32_t slot) {
  ENSURE(slot < slots_per_client);
  return {slots_memory_ + slot * slot_stride_, size_t{dims_} * sizeof(float)};
}

void Session::complete(Slot slot, const Completion& completion) {
  ENSURE(slot.index < slots_per_client);
  SlotRecord& record = slots_[slot.index];
  ENSURE(record.state == SlotState::open);
  ENSURE(record.generation == slot.generation);
  ENSURE(completion_tail_ - completion_head_seen_ < completion_entries);

  Completion posted = completion;
  if (completion.status == CompletionStatus::ok) {
    record.state = SlotState::lent;
    posted.slot = slot.index;
    posted.generation = slot.generation;
  } else {
    free_slot(slot.index);
    posted.slot = no_slot;
    posted.generation = 0;
  }
  --tasks_open_;
  const auto words = std::bit_cast<std::array<uint64_t, 8>>(posted);
  SharedEntry& shared = engine_->completions[place_of(completion_tail_, completion_entries)];
  for (size_t i = 0; i < words.size(); ++i)
    // Partner: the client's loads after it has acquired completion_tail, stored by flush().
    shared.words[i].store(words[i], std::memory_order_relaxed);
  ++completion_tail_;
}

void Session::release_slot(const Submission& entry) {
  if (entry.slot >= slots_per_client || slots_[entry.slot].state != SlotState::lent ||
      slots_[entry.slot].generation != entry.generation) {
    ++releases_ignored_;
    return;
  }
  free_slot(entry.slot);
}

void Session::free_slot(uint32_t slot) {
  ENSURE(slots_free_ < slots_per_client);
  slots_[slot].state = SlotState::free;
  if (std::exchange(first_slot_is_all_, false))
    slots_free_ = slots_per_client;
  else
    free_slots_[slots_free_++] = slot;
}

void Session::flush() {
  if (submission_head_ != submission_head_published_) {
    submission_head_published_ = submission_head_;
    // Partner: the client's load of submission_head before it reuses an entry or text space.
    // Release, because our copies out of them must be over.
    engine_->submission_head.value.store(submission_head_, std::memory_order_release);
  }
  if (completion_tail_ == completion_tail_published_) return;
  completion_tail_published_ = completion_tail_;
  // Partner: the client's load of completion_tail after it armed itself. Sequentially consistent on
  // all four sides: either we see that it armed, or it sees this tail and does not sleep.
  engine_->completion_tail.value.store(completion_tail_, std::memory_order_seq_cst);
  wake_client();
}

void Session::wake_client() {
  // Partner: the client's increment of armed_futex before it looks at completion_tail once more.
  const uint32_t armed_futex = client_->armed_futex.value.load(std::memory_order_seq_cst);
  if (armed_futex != armed_futex_served_) {
    armed_futex_served_ = armed_futex;
    // Not a private futex: the sleeper is another process. One sleeper, as the client's contract
    // says.
    ::syscall(SYS_futex, &engine_->completion_tail.value, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  // Partner: the client's increment of armed_socket, likewise.
  const uint32_t armed_socket = client_->armed_socket.value.load(std::memory_order_seq_cst);
  if (armed_socket != armed_socket_served_) {
    armed_socket_served_ = armed_socket;
    // A full socket is readable already; a closed one is noticed by whoever watches it.
    const char look = '!';
    static_cast<void>(::send(socket_.get(), &look, 1, MSG_DONTWAIT | MSG_NOSIGNAL));
  }
}

void Session::set_need_wakeup(bool sleeping) {
  // Partner: the client's load of need_wakeup after its store of submission_tail. Sequentially
  // consistent: either it sees that we sleep and rings, or has_submissions() sees its tail.
  engine_->need_wakeup.value.store(sleeping ? 1 : 0, std::memory_order_seq_cst);
}

bool Session::has_submissions() const {
  // Partner: the client's store of submission_tail before its load of need_wakeup.
  return client_->submission_tail.value.load(std::memory_order_seq_cst) != submission_head_;
}

void Session::set_state(EngineState state) {
  // Partner: the client's load of state when it finds nothing to take.
  engine_->state.value.store(static_cast<uint32_t>(state), std::memory_order_release);
}

}  // namespace hilo
