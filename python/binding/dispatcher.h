// Several calls at the same time on one hilo_client, from any number of threads and event loops.
//
// The C interface lets one thread at a time submit and take. So every step happens under one mutex,
// and one waiting thread *leads*: it alone sleeps in hilo_wait() and takes results, its own and
// everyone's, writes them where their calls want them, and submits what fits then. The other
// threads sleep until their call is over or the lead falls to them. While no thread leads, the
// channel's descriptor is armed for the calls of event loops.
//
// Threads: all functions from any thread. Nothing in here touches Python, so that no lock of ours
// is ever held together with the interpreter's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

#include <hilo/hilo.h>

#include "status_error.h"

namespace hilo::python {

// Lists longer than this are bulk: they leave room on the channel for calls that are not.
inline constexpr size_t small_call_texts_max = 4;
inline constexpr size_t tasks_kept_for_small_calls = 32;
// Vectors lent as views at a time. The rest of the tasks keeps other calls going.
inline constexpr size_t views_max = HILO_TASKS_MAX / 2;
static_assert(views_max + tasks_kept_for_small_calls < HILO_TASKS_MAX);

// What all texts of a call have in common.
struct CallOptions {
  hilo_lane lane = HILO_HIGH;
  uint32_t timeout_ms = 0;
  std::string prompt;  // empty: none
  hilo_input input = HILO_TEXT;
  hilo_truncation truncation = HILO_TRUNCATE_END;
  bool raw = false;
  bool every_token = false;  // the vectors of all tokens of each text
};

struct CallRequest {
  std::vector<hilo_text> texts;  // The bytes stay in place until the call is over.
  CallOptions options;
  // tasks() rows of dims floats; nullptr: lend the vectors, or keep those of tokens
  float* rows = nullptr;
  int wake_descriptor = -1;  // an eventfd to write to when the call is over; -1: none

  size_t texts_in_task() const { return options.input == HILO_PAIR ? 2 : 1; }
  size_t tasks() const { return texts.size() / texts_in_task(); }
  bool lends() const { return rows == nullptr && !options.every_token; }
};

struct LentVector {
  const float* vector = nullptr;
  hilo_task task = 0;
};

struct CallProgress {
  size_t finished = 0;  // texts with a vector
  uint64_t tokens = 0;
  uint64_t truncated = 0;  // texts that had more tokens than the model takes
};

using Clock = std::chrono::steady_clock;

// One list of texts, or of pairs, on its way. Made by Dispatcher::begin(); its state is the
// dispatcher's.
class Call {
 public:
  explicit Call(CallRequest request)
      : request_{std::move(request)},
        lent_(request_.lends() ? request_.tasks() : 0),
        token_vectors_(request_.options.every_token ? request_.tasks() : 0) {}

 private:
  friend class Dispatcher;
  bool is_small() const { return request_.tasks() <= small_call_texts_max; }
  bool has_unsubmitted() const { return submitted_ < request_.tasks() || !refused_.empty(); }
  bool is_paused(Clock::time_point now) const { return now < go_on_at_; }

  const CallRequest request_;
  size_t submitted_ = 0;            // of the list, once
  std::vector<size_t> refused_;     // to be submitted again; of LOW only
  Clock::time_point go_on_at_;      // Until then nothing is submitted: the engine has enough.
  size_t in_flight_ = 0;            // submitted and not answered
  size_t window_ = HILO_TASKS_MAX;  // the most that may be in flight
  CallProgress progress_;
  std::vector<LentVector> lent_;
  std::vector<std::vector<float>> token_vectors_;  // of each text, one after the other
  size_t tokens_from_ = 1;                         // of the text whose tokens are under way
  std::optional<StatusError> failure_;
  bool over_ = false;
  bool waiting_ = false;  // A thread sleeps on changed_.
  std::condition_variable changed_;
};

class Dispatcher {
 public:
  explicit Dispatcher(hilo_client* client);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  const hilo_info_t& info() const { return info_; }
  int descriptor() const { return hilo_descriptor(client_); }

  // Submits what fits now; the rest follows as results come. Throws StatusError.
  std::shared_ptr<Call> begin(CallRequest request);
  // Works on the calls, or sleeps, until `call` is over, `slice` has passed or a signal came.
  // True if the call is over. Throws its StatusError if it failed.
  bool advance(Call& call, std::chrono::milliseconds slice);
  // Forgets the call; its open tasks are cancelled and their results dropped when they come. When
  // this returns nobody reads its texts or writes its rows any more.
  void abandon(Call& call);
  // Finished, failed or abandoned; advance() tells which.
  bool is_over(const Call& call);
  CallProgress progress(const Call& call);
  // The vectors of a finished call that lends them; each is released by its new owner.
  std::vector<LentVector> hand_over_vectors(Call& call);
  // Those of the tokens of each text, of a finished call that asked for them.
  std::vector<std::vector<float>> hand_over_token_vectors(Call& call);
  void release(hilo_task task);

  // For an event loop, when the descriptor is readable, or a pause is over.
  void pump();
  // How long until the next call that the engine refused may go on; none if there is none.
  std::optional<std::chrono::milliseconds> pause();

  // Fails every call, now and later. The channel itself ends with the last view on its memory.
  void shut();

  // What all calls together have received.
  CallProgress totals();

 private:
  // Whose result a task is. Null: its call was abandoned.
  struct Place {
    Call* call;
    size_t index;
  };
  using Lock = std::unique_lock<std::mutex>;

  void refuse_fork() const;
  hilo_status lead(Lock& lock, std::chrono::milliseconds time);
  void step();
  void take_ready();
  void deliver(const hilo_result& result);
  bool take_tokens(Call& call, size_t index, const hilo_result& result);
  void submit_later(Call& call, size_t index, uint32_t retry_after_ms);
  std::optional<std::chrono::milliseconds> pause_left(Clock::time_point now) const;
  void submit_waiting();
  void submit_for_tokens(Call& call);
  void move_to_end(const Call& call);
  void submit_some(Call& call, size_t room);
  hilo_status submit_stretch(Call& call, size_t first, size_t count, size_t& submitted);
  size_t room_for(const Call& call) const;
  void end(Call& call);
  void fail(Call& call, StatusError error);
  void fail_all(const StatusError& error);
  void give_back(hilo_task task);
  void pass_on_lead();
  void arm_for_event_loops();
  static void wake_event_loop(const Call& call);

  hilo_client* const client_;
  const pid_t owner_;
  hilo_info_t info_{};
  std::mutex mutex_;
  // Everything below is guarded by mutex_.
  std::vector<std::shared_ptr<Call>> calls_;  // those not over, in turn
  std::unordered_map<hilo_task, Place> open_;
  size_t vectors_lent_ = 0;      // taken and not released
  size_t vectors_promised_ = 0;  // of calls that lend, not taken yet
  CallProgress totals_;
  bool one_has_all_ = false;  // The task that is open is for vectors of tokens.
  bool tokens_turn_ = true;   // They go first, when everything else has come back.
  bool leading_ = false;
  bool armed_ = false;  // for event loops, until the next pump()
  bool shut_ = false;
};

}  // namespace hilo::python
