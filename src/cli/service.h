// What `hilo run` and `hilo serve` have in common: an engine under a supervisor.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/model_source.h"
#include "engine/engine.h"
#include "supervisor/supervisor.h"

namespace hilo {

struct ServiceOptions {
  ModelOptions model;
  RestartPolicy restart;
  bool pass_on_hang_up = false;  // SIGHUP goes to the programs, and does not end the run
  double drain_seconds = 10;
  double low_share_percent = 5;
  double high_queue_seconds = 5;
  double low_queue_seconds = 60;
  std::string socket;      // where programs connect; empty: nowhere
  std::string trace_path;  // empty: no timeline is kept
};

// Adds the options of the model, of draining, of the scheduler, and --trace.
void add_service_options(const OptionList& options, ServiceOptions& service);

// Reads what the channels must know, lets `open_doors` start programs and open sockets, and only
// then loads the model, so that the programs start meanwhile (but for a GPU, whose model is loaded
// first). From then on `hilo top` is answered.
// Returns when the run has ended.
Status run_service(const ServiceOptions& options,
                   const std::function<Status(Supervisor&)>& open_doors);

}  // namespace hilo
