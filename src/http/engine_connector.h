// Connects to the engine's socket on a thread of its own, because connecting waits for the engine.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "http/engine_client.h"

namespace hilo::http {

// A channel for each lane that the socket gives, and, where the engine has vectors of tokens,
// another one for those, which take a whole one. Or none, and why.
struct Connected {
  std::array<ClientHandle, lane_count> of_texts = {};   // by lane
  std::array<ClientHandle, lane_count> of_tokens = {};  // likewise; also null where none was given
  EngineAbout about = {};
  std::string failure = {};  // a sentence; empty if nothing failed

  bool any() const { return of_texts[0] != nullptr || of_texts[1] != nullptr; }
};

class EngineConnector {
 public:
  // `told` is called on the connector's thread, once after each try.
  EngineConnector(std::string socket_path, std::function<void(Connected)> told);
  ~EngineConnector();  // Waits for the try under way, at most 10 s.
  EngineConnector(const EngineConnector&) = delete;
  EngineConnector& operator=(const EngineConnector&) = delete;

  // Tries again and again from now on, until it succeeds.
  void begin();

 private:
  void loop();

  std::string socket_path_;
  std::function<void(Connected)> told_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace hilo::http
