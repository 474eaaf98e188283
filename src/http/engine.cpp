#include "http/engine.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace hilo::http {
namespace {

constexpr std::array<hilo_lane, lane_count> engine_lanes{HILO_HIGH, HILO_LOW};

EngineAbout read_about(const hilo_info_t& info) {
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
  about.model = text("model");
  about.backend = text("backend");
  about.precision = text("precision");
  about.normalized = json.contains("normalized") && json["normalized"] == true;
  about.cross_encoder = json.contains("cross_encoder") && json["cross_encoder"] == true;
  about.pooling = text("pooling");
  about.prompts = texts("prompts");
  about.prompt_texts = texts("prompt_texts");
  return about;
}

}  // namespace

Engine::Engine(std::string socket_path, const Limits& limits, EventLoop& loop)
    : loop_(loop),
      rooms_{LaneRoom{limits.high_texts_max}, LaneRoom{limits.low_texts_max}},
      absence_("The engine has not been found yet."),
      connector_(std::move(socket_path), [this](Connected connected) {
        // A function can be copied; what is handed over cannot, so it travels by its pointers.
        loop_.post([this, high = connected.high.release(), low = connected.low.release(),
                    failure = std::move(connected.failure)] {
          take({ClientHandle{high}, ClientHandle{low}, failure});
        });
      }) {
  connector_.begin();
}

Engine::~Engine() {
  for (auto& client : clients_)
    if (client != nullptr) loop_.unwatch(client->descriptor());
}

bool Engine::draining() const {
  return std::ranges::any_of(clients_, [](const auto& client) {
    return client != nullptr && client->engine_is_draining();
  });
}

void Engine::take(Connected connected) {
  if (!connected.any()) {
    if (absence_ != connected.failure) log_warning(connected.failure);
    absence_ = std::move(connected.failure);
    return;
  }
  std::array<ClientHandle, lane_count> handles{std::move(connected.high), std::move(connected.low)};
  for (size_t lane = 0; lane < lane_count; ++lane) {
    if (handles[lane] == nullptr) continue;
    remember(handles[lane].get());
    clients_[lane] = std::make_unique<EngineClient>(std::move(handles[lane]), engine_lanes[lane]);
    loop_.watch(clients_[lane]->descriptor(), [this, lane] { advance(lane); });
    advance(lane);
    if (clients_[lane] == nullptr) return;  // It went away at once.
  }
  log_info(fmt::format("connected to the engine: {}, {} dimensions", about_->model, about_->dims));
}

void Engine::remember(const hilo_client* client) {
  hilo_info_t info{};
  ENSURE(hilo_info(client, &info) == HILO_OK);
  EngineAbout about = read_about(info);
  const auto known = std::ranges::find(abouts_, about);
  about_ = known != abouts_.end() ? &*known : &abouts_.emplace_back(std::move(about));
}

void Engine::advance(size_t lane) {
  if (clients_[lane] == nullptr) return;
  const size_t before = clients_[lane]->texts_computed();
  const bool alive = clients_[lane]->advance();
  rooms_[lane].count_answered(clients_[lane]->texts_computed() - before);
  if (!alive) lose();
}

// One channel tells that the engine is gone; the other, whatever it would say, is closed with it.
void Engine::lose() {
  absence_ = "The engine is away; it is looked for.";
  log_warning("the engine has gone; looking for it");
  for (auto& client : clients_) {
    if (client == nullptr) continue;
    loop_.unwatch(client->descriptor());
    client->give_up();
    client.reset();
  }
  connector_.begin();
}

void Engine::tick(Instant now) {
  for (size_t lane = 0; lane < lane_count; ++lane) {
    if (clients_[lane] != nullptr) {
      if (clients_[lane]->has_work() && ticked_.ns > 0) rooms_[lane].count_work(now - ticked_);
      clients_[lane]->tick(now);
    }
    advance(lane);
  }
  ticked_ = now;
}

}  // namespace hilo::http
