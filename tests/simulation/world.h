// One run: the engine's core with its real scheduler and real sessions, a machine and clients in
// virtual time. A seed says everything, and repeats it exactly.
#pragma once

#include <memory>
#include <vector>

#include "client.h"
#include "engine/engine_core.h"
#include "machine.h"
#include "rules.h"
#include "session_pool.h"

namespace hilo::simulation {

struct Outcome {
  uint64_t digest = 0;  // of every decision
  uint64_t ticks = 0;
  uint64_t tasks = 0;
  Ratios ratios;
};

enum class Encoding { on_cores, on_device };

// Throws Violation.
Outcome run(uint64_t seed, Encoding encoding, SessionPool& pool);

}  // namespace hilo::simulation
