// Running engines of our user and what they say they are, to find the one that is meant.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "supervisor/control_client.h"

namespace hilo {

struct AnsweringEngine {
  RunningEngine running;
  std::string model;
  std::string socket;  // where programs connect; empty if nowhere
};

// Asks each of list_engines(); those that give no answer are left out.
Result<std::vector<AnsweringEngine>> answering_engines();

}  // namespace hilo
