#include "client/engine_info.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace hilo {

EngineInfo read_engine_info(const EngineRegion& engine) {
  EngineInfo info;
  info.json = {engine.info.begin(), std::find(engine.info.begin(), engine.info.end(), '\0')};
  const nlohmann::json parsed =
      nlohmann::json::parse(info.json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return info;
  const auto says = [&](const char* name) { return parsed.contains(name) && parsed[name] == true; };
  info.cross_encoder = says("cross_encoder");
  info.token_vectors = says("token_vectors");
  if (!parsed.contains("prompts") || !parsed["prompts"].is_array()) return info;
  for (const nlohmann::json& name : parsed["prompts"])
    // Something else than a string keeps its place, so that the names after it keep their numbers.
    info.prompts.push_back(name.is_string() ? name.get<std::string>() : std::string{});
  return info;
}

}  // namespace hilo
