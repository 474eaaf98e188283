// Which running engine is meant.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "supervisor/control_client.h"

namespace hilo {

struct EngineChoice {
  std::string socket;  // where its programs connect, or its control socket
  int pid = 0;
};

// The path of its control socket. Without a choice, the only engine of our user; the error says
// which there are, or that there is none.
Result<std::string> find_engine(const EngineChoice& choice);

}  // namespace hilo
