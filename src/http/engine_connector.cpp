#include "http/engine_connector.h"

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ensure.h"

namespace hilo::http {
namespace {

constexpr std::chrono::milliseconds pause_between_tries{200};

EngineAbout read_about(const hilo_client* client) {
  hilo_info_t info{};
  ENSURE(hilo_info(client, &info) == HILO_OK);
  EngineAbout about{.dims = info.dims, .tokens_max = info.tokens_max};
  const auto json = nlohmann::json::parse(info.json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return about;
  const auto text = [&json](const char* name) -> std::string {
    return json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : "";
  };
  // Something else than a string keeps its place, so that both lists of prompts stay in step.
  const auto texts = [&json](const char* name) {
    std::vector<std::string> found;
    if (json.contains(name) && json[name].is_array())
      for (const auto& item : json[name])
        found.push_back(item.is_string() ? item.get<std::string>() : "");
    return found;
  };
  const auto says = [&json](const char* name) { return json.contains(name) && json[name] == true; };
  about.model = text("model");
  about.backend = text("backend");
  about.precision = text("precision");
  about.normalized = says("normalized");
  about.cross_encoder = says("cross_encoder");
  about.score_label = text("score_label");
  about.token_vectors = says("token_vectors");
  about.pooling = text("pooling");
  about.prompts = texts("prompts");
  about.prompt_texts = texts("prompt_texts");
  return about;
}

hilo_status connect(const std::string& socket_path, size_t lane, ClientHandle& handle) {
  hilo_client* client = nullptr;
  const char* const path = socket_path.empty() ? nullptr : socket_path.c_str();
  const hilo_status status = hilo_connect(path, engine_lanes[lane], &client);
  handle.reset(client);
  return status;
}

// A front end that cannot give vectors of tokens gives everything else.
void connect_for_tokens(const std::string& socket_path, Connected& connected) {
  for (size_t lane = 0; lane < lane_count; ++lane) {
    if (connected.of_texts[lane] == nullptr) continue;
    if (connect(socket_path, lane, connected.of_tokens[lane]) != HILO_OK)
      connected.failure = fmt::format("no vectors of tokens: {}", hilo_last_error());
  }
}

Connected connect_lanes(const std::string& socket_path) {
  Connected connected;
  std::string denial;
  for (size_t lane = 0; lane < lane_count; ++lane) {
    ClientHandle& handle = connected.of_texts[lane];
    const hilo_status status = connect(socket_path, lane, handle);
    if (status == HILO_OK) {
      connected.about = read_about(handle.get());
      continue;
    }
    denial = hilo_last_error();
    if (status != HILO_LANE_DENIED) return {.failure = denial};
  }
  if (!connected.any()) return {.failure = denial};
  if (connected.about.token_vectors) connect_for_tokens(socket_path, connected);
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
