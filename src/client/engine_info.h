// What the engine says of itself in its region, for hilo_info() and for the names of prompts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/layout.h"

namespace hilo {

// The JSON text; ends at its zero, or where its room ends.
std::string read_engine_info(const EngineRegion& engine);
// The names under "prompts"; none if there is no such list of strings.
std::vector<std::string> prompt_names(std::string_view json);

}  // namespace hilo
