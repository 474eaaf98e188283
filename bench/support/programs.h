// A benchmark as it is in life: an engine in this process, each client in a process of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/model_source.h"
#include "hilo/hilo.h"

namespace hilo {

struct BenchProgram {
  LaneRights rights;
  std::function<void(hilo_client*)> body;  // runs in the client's process
};

// Forks the programs, serves them, and returns when all have ended.
Status serve_programs(const ModelOptions& options, const std::vector<BenchProgram>& programs,
                      const Preemption& preemption = {});

// Ends this client process with a sentence unless the call went well.
void check(hilo_status status);

// Waits for a result, takes it and releases its vector.
hilo_result take_and_release(hilo_client* client);

// How long one text takes on the HIGH lane, from submission to its vector.
Nanoseconds time_of_one(hilo_client* client, const std::string& text);

}  // namespace hilo
