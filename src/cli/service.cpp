#include "cli/service.h"

#include <fmt/format.h>

#include "base/log.h"
#include "cli/memory_report.h"

namespace hilo {

void add_service_options(const OptionList& options, ServiceOptions& service) {
  add_model_options(options, service.model);
  options.number(
      {"--drain-seconds", "After SIGTERM or SIGINT, time for admitted texts to finish", "N [10]"},
      service.drain_seconds, 0.0, 3600.0);
}

Status run_service(const ServiceOptions& options,
                   const std::function<Status(Supervisor&)>& open_doors) {
  auto source = find_model(options.model);
  if (!source) return source.error();
  auto supervisor =
      Supervisor::create({.channel = source->channel,
                          .restart = options.restart,
                          .drain_wait_max = static_cast<Nanoseconds>(
                              options.drain_seconds * static_cast<double>(second_ns))});
  if (!supervisor) return supervisor.error();
  if (Status status = open_doors(**supervisor); !status) return status;

  const auto model = load(*source);
  if (!model) return model.error();
  log_info(describe(*source, *model));
  Engine engine{*model->backend, model->tokenizer_or_null(), engine_options(*source)};
  for (const std::string& line : memory_report(memory_budget(*model, engine)))
    log_info(fmt::format("memory {}", line));
  log_info("ready");
  return (*supervisor)->run(engine);
}

}  // namespace hilo
