// An engine with its control thread, and clients of it, all in one process.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "channel/raw_client.h"
#include "channel/reception.h"
#include "engine/engine.h"
#include "hilo/hilo.h"

namespace hilo {

// A client that writes its region by hand. The connection lasts as long as `socket`.
struct Stranger {
  UniqueFd socket;
  std::unique_ptr<RawClient> raw;
};

class EngineUnderTest {
 public:
  // Without a tokenizer, tokens are bytes.
  explicit EngineUnderTest(const Backend& backend, const EngineOptions& options = default_options,
                           const Tokenizer* tokenizer = nullptr);
  ~EngineUnderTest();

  hilo_client* connect(hilo_lane lane = HILO_ANY);
  Stranger connect_stranger();

  Engine& engine() { return *engine_; }
  void destroy_engine();
  // Waits until as many sessions have retired as have begun.
  bool all_retired();

 private:
  static const EngineOptions default_options;
  void control();
  void count_retired();
  void adopt(std::unique_ptr<Session> session);

  ChannelSpec spec_;
  std::mutex mutex_;  // over engine_ and reception_
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Reception> reception_;
  std::atomic<uint32_t> begun_{0};
  std::atomic<uint32_t> retired_{0};
  std::atomic<bool> stopping_{false};
  std::thread control_;
};

// The options of an ordinary text.
hilo_submit_options options_for(hilo_lane lane);
hilo_task submit(hilo_client* client, hilo_lane lane, const std::string& text);
// One task that is not an ordinary text: of two texts if it is a pair.
hilo_task submit_as(hilo_client* client, const hilo_submit_options& options,
                    const std::string& text, const std::string& second = "");
// The next result. The test fails if none comes within ten seconds.
hilo_result take_one(hilo_client* client);

// A result whose vector was copied out and released.
struct Answer {
  hilo_status status;
  std::vector<float> vector;
};
Answer take_answer(hilo_client* client, hilo_task expected);
Answer embed(hilo_client* client, hilo_lane lane, const std::string& text);

// The vector that the echo backend gives for this text.
std::vector<float> echo_of(const std::string& text, uint32_t dims, uint32_t tokens_max);

// The next completion of a stranger, which has seen `seen` of them.
Completion wait_for_completion(const RawClient& raw, uint32_t seen);

}  // namespace hilo
