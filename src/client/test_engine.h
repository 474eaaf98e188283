// For tests: the smallest engine that can serve one client. It is told what to do by the texts:
//
//   "hold..."    not completed until it is cancelled or the engine stops
//   "status:N"   completed with CompletionStatus N
//   "fields"     completed with the entry's input, truncation, raw, second_begins and tokens_from;
//                they are the vector
//   "exit"       the engine stops at once, with what it has completed so far flushed
//   other        completed with the vector that test_vector() gives
#pragma once

#include <chrono>
#include <cstdlib>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <hilo/hilo.h>

#include "base/ensure.h"
#include "channel/reception.h"

namespace hilo {

inline const ChannelSpec test_spec{
    .dims = 8,
    .tokens_max = 16,
    .info = R"({"model":"test","token_vectors":true,"prompts":["query","passage"]})"};

inline const ChannelSpec cross_encoder_spec{
    .dims = 8,
    .tokens_max = 16,
    .info = R"({"model":"test","cross_encoder":true,"prompts":["query"]})"};

// The options of an ordinary text.
inline hilo_submit_options options_for(hilo_lane lane) {
  hilo_submit_options options{};
  options.struct_bytes = sizeof options;
  options.lane = lane;
  return options;
}

// Different for every text and place, and exact in a float.
inline float test_value(std::string_view text, uint32_t place) {
  uint32_t hash = 2166136261U + place;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619U;
  return static_cast<float>(hash >> 8);
}

class TestEngine {
 public:
  // Serves the client at the other end of `socket` until it hangs up, says "exit", or stop() is
  // called.
  explicit TestEngine(ChannelSpec spec = test_spec) : spec_(std::move(spec)) {}

  void serve(UniqueFd socket) {
    session_ = receive(std::move(socket));
    if (!session_) return;
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    watch(session_->doorbell(), EPOLLIN | EPOLLET);
    watch(session_->socket(), EPOLLRDHUP);
    watch(stop_.get(), EPOLLIN);
    while (!stopping_) {
      if (collect()) continue;
      session_->set_need_wakeup(true);
      if (!session_->has_submissions()) sleep();
      session_->set_need_wakeup(false);
    }
    session_->flush();
    session_.reset();
  }
  void stop() { ::eventfd_write(stop_.get(), 1); }

  bool violated = false;  // Why serve() returned.

 private:
  struct Held {
    uint64_t task;
    Session::Slot slot;
  };

  std::unique_ptr<Session> receive(UniqueFd socket) {
    const std::unique_ptr<Reception> reception = std::move(*Reception::create(spec_));
    ENSURE(reception->receive(std::move(socket), LaneRights::any, monotonic_now()).ok());
    while (!reception->idle()) {
      pollfd readable{.fd = reception->descriptor(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, 100);
      for (auto& session : reception->advance(monotonic_now(), {})) return std::move(session);
    }
    return nullptr;
  }
  void watch(int descriptor, uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = descriptor}};
    ENSURE(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0);
  }
  void sleep() {
    epoll_event event{};
    if (::epoll_wait(epoll_.get(), &event, 1, -1) == 1 && event.data.fd != session_->doorbell())
      stopping_ = true;
  }
  // True: there was something to do.
  bool collect() {
    bool busy = false;
    Submission entry;
    for (Session::Next next; (next = session_->next(entry)) != Session::Next::empty; busy = true) {
      if (next == Session::Next::violation) {
        violated = stopping_ = true;
        return true;
      }
      handle(entry);
      session_->advance();
    }
    session_->flush();
    return busy;
  }
  void handle(const Submission& entry) {
    if (entry.opcode == Opcode::cancel) return cancel(entry.task);
    const Session::Slot slot =
        entry.tokens_from > 0 ? session_->open_task_in_all_slots() : session_->open_task();
    text_.resize(entry.text_bytes);
    session_->copy_text(entry, text_);
    if (entry.opcode == Opcode::echo) {
      std::copy(text_.begin(), text_.end(),
                reinterpret_cast<char*>(session_->slot_bytes(slot.index).data()));
      return complete(entry, slot, CompletionStatus::ok);
    }
    if (text_.starts_with("hold")) return held_.push_back({entry.task, slot});
    if (text_.starts_with("status:"))
      return complete(entry, slot, static_cast<CompletionStatus>(std::atoi(text_.c_str() + 7)));
    if (text_ == "exit") stopping_ = true;
    if (text_.starts_with("fields")) return tell_fields(entry, slot);
    for (uint32_t i = 0; i < spec_.dims; ++i)
      session_->slot_vector(slot.index)[i] = test_value(text_, i);
    complete(entry, slot, CompletionStatus::ok);
  }
  void tell_fields(const Submission& entry, Session::Slot slot) {
    size_t place = 0;
    for (const uint32_t field :
         {entry.input, entry.truncation, entry.raw, entry.second_begins, entry.tokens_from})
      session_->slot_vector(slot.index)[place++] = static_cast<float>(field);
    complete(entry, slot, CompletionStatus::ok);
  }
  // `tokens`, `truncated` and `engine_ns` tell the test what the entry said.
  void complete(const Submission& entry, Session::Slot slot, CompletionStatus status) {
    session_->complete(slot, {.task = entry.task,
                              .status = status,
                              .tokens = entry.prompt,
                              .engine_ns = entry.deadline_ns,
                              .truncated = entry.lane,
                              .retry_after_ms = status == CompletionStatus::refused ? 70U : 0U});
  }
  void cancel(uint64_t task) {
    for (size_t i = 0; i < held_.size(); ++i) {
      if (held_[i].task != task) continue;
      session_->complete(held_[i].slot, {.task = task, .status = CompletionStatus::cancelled});
      held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }

  ChannelSpec spec_;
  UniqueFd stop_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  UniqueFd epoll_;
  std::unique_ptr<Session> session_;
  std::vector<Held> held_;
  std::string text_;
  bool stopping_ = false;
};

struct SocketPair {
  SocketPair() {
    int ends[2];
    ENSURE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    engine.reset(ends[0]);
    client.reset(ends[1]);
  }
  UniqueFd engine, client;
};

// A TestEngine on a thread of its own.
class TestEngineThread {
 public:
  explicit TestEngineThread(UniqueFd socket, ChannelSpec spec = test_spec)
      : engine_(std::move(spec)), thread_([this, socket = std::move(socket)]() mutable {
          engine_.serve(std::move(socket));
        }) {}
  ~TestEngineThread() { stop(); }
  void stop() {
    engine_.stop();
    if (thread_.joinable()) thread_.join();
  }
  const TestEngine& engine() const { return engine_; }

 private:
  TestEngine engine_;
  std::thread thread_;
};

// Runs `body` in a forked child; true if it returned true.
template <class Body>
bool in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace hilo
