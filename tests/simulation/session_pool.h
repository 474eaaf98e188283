// Sessions are dear to make: a run takes them from here and gives back those that are as new.
#pragma once

#include <memory>
#include <vector>

#include "channel/raw_client.h"

namespace hilo::simulation {

// Both ends of a channel. The session itself is with the engine's core meanwhile.
struct Connection {
  UniqueFd socket;
  std::unique_ptr<RawClient> raw;
  std::unique_ptr<Session> session;
  uint32_t completions_seen = 0;  // over all its uses

  const float* vector(uint32_t slot) const {
    const auto* const slots = reinterpret_cast<const std::byte*>(&raw->engine + 1);
    return reinterpret_cast<const float*>(slots + slot * slot_stride(dims));
  }
  static constexpr uint32_t dims = 8;  // a TestChannel's
};

class SessionPool {
 public:
  Connection take() {
    if (free_.empty()) {
      TestChannel channel;
      auto raw = std::make_unique<RawClient>(*channel.session);
      return {std::move(channel.client_socket), std::move(raw), std::move(channel.session)};
    }
    Connection connection = std::move(free_.back());
    free_.pop_back();
    return connection;
  }
  // Its session has ended with nothing open and nothing lent.
  void give_back(Connection connection) { free_.push_back(std::move(connection)); }

 private:
  std::vector<Connection> free_;
};

}  // namespace hilo::simulation
