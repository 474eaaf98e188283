// Asks the engine about itself, as `hilo top` does. It waits for the answer, at most some seconds,
// so no thread that others wait for calls it.
#pragma once

#include <string>
#include <string_view>

namespace hilo::http {

class EngineInquiry {
 public:
  // The engine whose programs connect there; without a path, where hilo_connect() looks.
  explicit EngineInquiry(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // A JSON object (docs/OPERATIONS.md). Empty: it gave no answer, as one of another user does.
  std::string ask(std::string_view question);

 private:
  std::string find_control() const;

  std::string socket_path_;
  std::string control_path_;  // of the engine that has answered; empty: none yet
};

}  // namespace hilo::http
