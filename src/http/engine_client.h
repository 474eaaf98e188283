// One lane's channel to the engine, and the queue before it. The engine takes 256 texts from a
// channel, or one whose tokens have a vector each; the calls whose texts wait for a place take
// turns, so that a long one does not hold up a short one.
//
// Threads: the io thread. Nothing blocks.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <hilo/hilo.h>

#include "base/clock.h"
#include "http/exchange.h"

namespace hilo::http {

struct CloseClient {
  void operator()(hilo_client* client) const { hilo_close(client); }
};
using ClientHandle = std::unique_ptr<hilo_client, CloseClient>;

// What the engine calls the lanes.
inline constexpr std::array<hilo_lane, lane_count> engine_lanes{HILO_HIGH, HILO_LOW};

// The work of one request on its way. Stays where it is from begin() until it is over or abandoned.
struct Call {
  Work work;
  std::optional<Instant> deadline = {};
  std::function<void()> finished = {};  // called once, within advance() or tick()

  // What came of it. Nothing of it is known before `over`.
  bool over = false;
  Vectors vectors = {};
  std::optional<Problem> problem = {};

  // Of the queue: texts from `next` on were never submitted; those in `again` the engine sent back.
  Instant begun = {};
  size_t next = 0;
  std::vector<uint32_t> again = {};
  size_t computed = 0;
  size_t tokens_from = 1;  // of the text whose tokens are under way

  bool has_unsubmitted() const { return next < work.size() || !again.empty(); }
};

class EngineClient {
 public:
  // For calls that want the vectors of tokens, or for the others.
  EngineClient(ClientHandle client, hilo_lane lane, bool every_token);

  void begin(Call& call);
  // Forgets the call; its texts that the engine has not begun are cancelled.
  void abandon(Call& call);

  // Becomes readable when advance() has something to do.
  int descriptor() const { return hilo_descriptor(client_.get()); }
  // Takes results and submits what waits. False: the engine is gone, and every call has failed.
  bool advance();
  // For deadlines and pauses, of which no descriptor tells.
  void tick(Instant now);
  // Every call fails, because the engine is gone.
  void give_up();

  const hilo_client* handle() const { return client_.get(); }
  // Texts wait, or are with the engine.
  bool has_work() const { return !turns_.empty() || !open_.empty(); }
  bool engine_is_draining() const { return draining_; }
  // Texts, or the floats that their vectors of tokens could come to: what LaneRoom counts.
  size_t size_computed() const { return size_computed_; }
  // Texts that wait for a place in the channel.
  size_t texts_queued() const;

 private:
  struct Place {
    Call* call;  // null: abandoned
    uint32_t index;
  };
  enum class Turn { all_submitted, more_left, full, over };

  bool take_results();
  void deliver(const hilo_result& result);
  void deliver(Place place, const hilo_result& result);
  bool take_tokens(Place place, const hilo_result& result) const;
  void submit_again(Place place);
  void submit_waiting(Instant now);
  Turn take_turn(Call& call, Instant now);
  void finish(Call& call, std::optional<Problem> problem);
  void forget(Call& call);

  ClientHandle client_;
  hilo_lane lane_;
  const bool every_token_;
  const size_t tasks_max_;
  const size_t dims_;
  const uint32_t tokens_max_;
  std::deque<Call*> turns_;  // calls with texts that are not submitted
  std::unordered_map<hilo_task, Place> open_;
  Instant paused_until_{};  // The engine has asked for it.
  bool draining_ = false;
  size_t size_computed_ = 0;
};

}  // namespace hilo::http
