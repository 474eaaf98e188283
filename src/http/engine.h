// The engine as the io thread sees it: its channels while it is there, what it said of itself, and
// a sentence while it is not. It is looked for until it is found, and again when it has gone.
//
// Threads: the io thread.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>

#include "http/engine_client.h"
#include "http/engine_connector.h"
#include "http/event_loop.h"
#include "http/lane_room.h"

namespace hilo::http {

class Engine {
 public:
  // Without a path: where hilo_connect() looks.
  Engine(std::string socket_path, const Limits& limits, EventLoop& loop);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  bool connected() const {
    return client(Lane::high, false) != nullptr || client(Lane::low, false) != nullptr;
  }
  // Why it is not connected, a sentence.
  const std::string& absence() const { return absence_; }
  // What the engine said, the last one while none is there; null before. Valid for ever.
  const EngineAbout* about() const { return about_; }
  bool draining() const;
  // For vectors of tokens, or for the others. Null: the socket does not give that lane, the engine
  // is away, or it gave no channel for those of tokens.
  EngineClient* client(Lane lane, bool every_token) const {
    return channels_[place_of(lane, every_token)].client.get();
  }
  // Of texts, or of the floats that vectors of tokens may come to.
  LaneRoom& room(Lane lane, bool every_token) {
    return channels_[place_of(lane, every_token)].room;
  }
  // What the work may come to take of its room.
  size_t size_of(const Work& work) const {
    return work.every_token ? work.tokens_at_most(about_->tokens_max) * about_->dims : work.size();
  }
  // Of requests that have room, and of these, texts that wait for a place in a channel.
  size_t texts_held(Lane lane) const {
    size_t texts = 0;
    for (const bool every_token : {false, true})
      texts += channels_[place_of(lane, every_token)].room.texts_held();
    return texts;
  }
  size_t texts_queued(Lane lane) const {
    size_t texts = 0;
    for (const bool every_token : {false, true})
      if (const auto* const queue = client(lane, every_token)) texts += queue->texts_queued();
    return texts;
  }

  void tick(Instant now);

 private:
  struct Channel {
    std::unique_ptr<EngineClient> client;
    LaneRoom room;
  };
  static constexpr size_t channel_count = 2 * lane_count;
  static constexpr size_t place_of(Lane lane, bool every_token) {
    return index_of(lane) + (every_token ? lane_count : 0);
  }
  static constexpr bool has_every_token(size_t channel) { return channel >= lane_count; }

  void take(Connected connected);
  void advance(size_t channel);
  void lose();
  void remember(EngineAbout about);

  EventLoop& loop_;
  std::array<Channel, channel_count> channels_;
  std::string absence_;
  std::deque<EngineAbout> abouts_;  // Each kind of engine once: work under way may look at it.
  const EngineAbout* about_ = nullptr;
  Instant ticked_{};
  EngineConnector connector_;  // Last, because its thread uses what is above.
};

}  // namespace hilo::http
