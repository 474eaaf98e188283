#include "http/engine_inquiry.h"

#include <algorithm>

#include "channel/socket_path.h"
#include "supervisor/answering_engines.h"

namespace hilo::http {

std::string EngineInquiry::ask(std::string_view question) {
  if (socket_path_.empty())
    if (const auto path = default_socket_path()) socket_path_ = *path;
  // An engine that was started again has another control socket.
  for (const bool known : {true, false}) {
    if (!known) control_path_ = find_control();
    if (control_path_.empty()) continue;
    if (auto answer = ask_engine(control_path_, question)) return std::move(*answer);
  }
  return {};
}

std::string EngineInquiry::find_control() const {
  const auto engines = answering_engines();
  if (!engines) return {};
  const auto meant = std::ranges::find(*engines, socket_path_, &AnsweringEngine::socket);
  return meant == engines->end() ? std::string{} : meant->running.control_path;
}

}  // namespace hilo::http
