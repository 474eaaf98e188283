#include "supervisor/answering_engines.h"

#include <nlohmann/json.hpp>

namespace hilo {

Result<std::vector<AnsweringEngine>> answering_engines() {
  const auto all = list_engines();
  if (!all) return all.error();
  std::vector<AnsweringEngine> engines;
  for (const RunningEngine& running : *all) {
    const auto answer = ask_engine(running.control_path, "metrics");
    if (!answer) continue;
    const auto numbers = nlohmann::json::parse(*answer, nullptr, /*allow_exceptions=*/false);
    if (!numbers.is_object()) continue;
    engines.push_back({running, numbers.value("model", ""), numbers.value("socket", "")});
  }
  return engines;
}

}  // namespace hilo
