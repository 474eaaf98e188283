// The engine as the io thread sees it: a channel for each lane while it is there, what it said of
// itself, and a sentence while it is not. It is looked for until it is found, and again when it has
// gone.
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

  bool connected() const { return clients_[0] != nullptr || clients_[1] != nullptr; }
  // Why it is not connected, a sentence.
  const std::string& absence() const { return absence_; }
  // What the engine said, the last one while none is there; null before. Valid for ever.
  const EngineAbout* about() const { return about_; }
  bool draining() const;
  // Null: the socket does not give that lane, or the engine is away.
  EngineClient* client(Lane lane) { return clients_[index_of(lane)].get(); }
  LaneRoom& room(Lane lane) { return rooms_[index_of(lane)]; }
  size_t texts_queued(Lane lane) const {
    const auto& client = clients_[index_of(lane)];
    return client == nullptr ? 0 : client->texts_queued();
  }

  void tick(Instant now);

 private:
  void take(Connected connected);
  void advance(size_t lane);
  void lose();
  void remember(const hilo_client* client);

  EventLoop& loop_;
  std::array<std::unique_ptr<EngineClient>, lane_count> clients_;
  std::array<LaneRoom, lane_count> rooms_;
  std::string absence_;
  std::deque<EngineAbout> abouts_;  // Each kind of engine once: work under way may look at it.
  const EngineAbout* about_ = nullptr;
  Instant ticked_{};
  EngineConnector connector_;  // Last, because its thread uses what is above.
};

}  // namespace hilo::http
