#include "http/engine_connector.h"

#include <chrono>

namespace hilo::http {
namespace {

constexpr std::chrono::milliseconds pause_between_tries{200};

constexpr std::array<hilo_lane, lane_count> lanes{HILO_HIGH, HILO_LOW};

Connected connect_lanes(const std::string& socket_path) {
  Connected connected;
  const char* const path = socket_path.empty() ? nullptr : socket_path.c_str();
  for (auto* const channels : {&connected.of_texts, &connected.of_tokens}) {
    for (size_t lane = 0; lane < lane_count; ++lane) {
      hilo_client* client = nullptr;
      const hilo_status status = hilo_connect(path, lanes[lane], &client);
      if (status == HILO_OK) {
        (*channels)[lane].reset(client);
      } else if (status != HILO_LANE_DENIED) {
        return {.of_texts = {}, .of_tokens = {}, .failure = hilo_last_error()};
      } else {
        connected.failure = hilo_last_error();
      }
    }
  }
  return connected;
}

}  // namespace

EngineConnector::EngineConnector(std::string socket_path, std::function<void(Connected)> told)
    : socket_path_(std::move(socket_path)), told_(std::move(told)), thread_([this] { loop(); }) {}

EngineConnector::~EngineConnector() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void EngineConnector::begin() {
  {
    const std::lock_guard lock{mutex_};
    wanted_ = true;
  }
  changed_.notify_one();
}

void EngineConnector::loop() {
  std::unique_lock lock{mutex_};
  while (true) {
    changed_.wait(lock, [this] { return wanted_ || ending_; });
    if (ending_) return;
    wanted_ = false;  // Before telling: whoever is told may lose the engine and ask again at once.
    lock.unlock();
    Connected connected = connect_lanes(socket_path_);
    const bool done = connected.any();
    told_(std::move(connected));
    lock.lock();
    if (done) continue;
    wanted_ = true;
    changed_.wait_for(lock, pause_between_tries, [this] { return ending_; });
  }
}

}  // namespace hilo::http
