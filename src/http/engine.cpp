#include "http/engine.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace hilo::http {

Engine::Engine(std::string socket_path, const Limits& limits, EventLoop& loop)
    : loop_(loop),
      channels_{{{nullptr, LaneRoom{limits.high_texts_max}},
                 {nullptr, LaneRoom{limits.low_texts_max}},
                 {nullptr, LaneRoom{token_floats_max}},
                 {nullptr, LaneRoom{token_floats_max}}}},
      absence_("The engine has not been found yet."),
      connector_(std::move(socket_path), [this](Connected connected) {
        // A function can be copied; what is handed over cannot, so it travels by its pointer.
        loop_.post([this, travels = std::make_unique<Connected>(std::move(connected)).release()] {
          const std::unique_ptr<Connected> arrived{travels};
          take(std::move(*arrived));
        });
      }) {
  connector_.begin();
}

Engine::~Engine() {
  for (const Channel& channel : channels_)
    if (channel.client != nullptr) loop_.unwatch(channel.client->descriptor());
}

bool Engine::draining() const {
  return std::ranges::any_of(channels_, [](const Channel& channel) {
    return channel.client != nullptr && channel.client->engine_is_draining();
  });
}

void Engine::take(Connected connected) {
  if (!connected.any()) {
    if (absence_ != connected.failure) log_warning(connected.failure);
    absence_ = std::move(connected.failure);
    return;
  }
  if (!connected.failure.empty()) log_warning(connected.failure);
  remember(std::move(connected.about));
  for (size_t place = 0; place < channel_count; ++place) {
    const size_t lane = place % lane_count;
    auto& handles = has_every_token(place) ? connected.of_tokens : connected.of_texts;
    if (handles[lane] == nullptr) continue;
    auto& client = channels_[place].client;
    client = std::make_unique<EngineClient>(std::move(handles[lane]), engine_lanes[lane],
                                            has_every_token(place));
    loop_.watch(client->descriptor(), [this, place] { advance(place); });
    advance(place);
    if (client == nullptr) return;  // It went away at once.
  }
  log_info(fmt::format("connected to the engine: {}, {} dimensions", about_->model, about_->dims));
}

void Engine::remember(EngineAbout about) {
  const auto known = std::ranges::find(abouts_, about);
  about_ = known != abouts_.end() ? &*known : &abouts_.emplace_back(std::move(about));
}

void Engine::advance(size_t place) {
  auto& [client, room] = channels_[place];
  if (client == nullptr) return;
  const size_t before = client->size_computed();
  const bool alive = client->advance();
  room.count_answered(client->size_computed() - before);
  if (!alive) lose();
}

// One channel tells that the engine is gone; the others, whatever they would say, are closed with
// it.
void Engine::lose() {
  absence_ = "The engine is away; it is looked for.";
  log_warning("the engine has gone; looking for it");
  for (auto& [client, room] : channels_) {
    if (client == nullptr) continue;
    loop_.unwatch(client->descriptor());
    client->give_up();
    client.reset();
  }
  connector_.begin();
}

void Engine::tick(Instant now) {
  for (size_t place = 0; place < channel_count; ++place) {
    auto& [client, room] = channels_[place];
    if (client != nullptr) {
      if (client->has_work() && ticked_.ns > 0) room.count_work(now - ticked_);
      client->tick(now);
    }
    advance(place);
  }
  ticked_ = now;
}

}  // namespace hilo::http
