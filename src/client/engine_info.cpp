#include "client/engine_info.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hilo {

std::string read_engine_info(const EngineRegion& engine) {
  return {engine.info.begin(), std::find(engine.info.begin(), engine.info.end(), '\0')};
}

std::vector<std::string> prompt_names(std::string_view json) {
  std::vector<std::string> names;
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains("prompts") || !parsed["prompts"].is_array())
    return names;
  for (const nlohmann::json& name : parsed["prompts"])
    // Something else than a string keeps its place, so that the names after it keep their numbers.
    names.push_back(name.is_string() ? name.get<std::string>() : std::string{});
  return names;
}

}  // namespace hilo
