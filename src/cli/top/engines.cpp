#include "cli/top/engines.h"

#include <algorithm>

#include <fmt/format.h>

#include "supervisor/answering_engines.h"

namespace hilo {
namespace {

std::string list_of(const std::vector<AnsweringEngine>& engines) {
  std::string list;
  for (const AnsweringEngine& engine : engines)
    list += fmt::format("\n  --pid {:<8} {} {}", engine.running.pid, engine.model, engine.socket);
  return list;
}

}  // namespace

Result<std::string> find_engine(const EngineChoice& choice) {
  const auto found = answering_engines();
  if (!found) return found.error();
  const std::vector<AnsweringEngine>& engines = *found;
  if (choice.pid != 0) {
    const auto meant = std::ranges::find_if(
        engines, [&](const AnsweringEngine& engine) { return engine.running.pid == choice.pid; });
    if (meant != engines.end()) return meant->running.control_path;
    return Error{fmt::format("Process {} is no engine of yours.{}", choice.pid, list_of(engines))};
  }
  if (!choice.socket.empty()) {
    const auto meant = std::ranges::find(engines, choice.socket, &AnsweringEngine::socket);
    return meant != engines.end() ? meant->running.control_path : choice.socket;
  }
  if (engines.size() == 1) return engines.front().running.control_path;
  if (engines.empty())
    return Error{"No engine of yours is running; hilo serve or hilo run starts one."};
  return Error{
      fmt::format("{} engines are running; name one:{}", engines.size(), list_of(engines))};
}

}  // namespace hilo
