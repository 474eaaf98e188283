// What the engine says of itself in its region: for hilo_info(), and what the library needs to
// know.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/layout.h"

namespace hilo {

struct EngineInfo {
  std::string json;
  std::vector<std::string> prompts;  // Names; Submission::prompt k names prompts[k - 1].
  bool cross_encoder = false;
  bool token_vectors = false;
};

// The JSON text ends at its zero, or where its room ends. What it does not say is empty or false.
EngineInfo read_engine_info(const EngineRegion& engine);

}  // namespace hilo
