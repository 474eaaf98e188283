#include "cli/service.h"

#include <fmt/format.h>

#include "base/log.h"
#include "cli/memory_report.h"

namespace hilo {
namespace {

Policy policy_of(const ServiceOptions& options) {
  const auto nanoseconds = [](double seconds) {
    return static_cast<Nanoseconds>(seconds * static_cast<double>(second_ns));
  };
  Policy policy;
  policy.low_share = options.low_share_percent / 100;
  policy.work_max = {nanoseconds(options.high_queue_seconds),
                     nanoseconds(options.low_queue_seconds)};
  return policy;
}

}  // namespace

void add_service_options(const OptionList& options, ServiceOptions& service) {
  add_model_options(options, service.model);
  options.number(
      {"--drain-seconds", "After SIGTERM or SIGINT, time for admitted texts to finish", "N [10]"},
      service.drain_seconds, 0.0, 3600.0);
  options.number(
      {"--low-share", "What LOW gets while HIGH would take all cores, in percent", "PERCENT [5]"},
      service.low_share_percent, 0.0, 50.0);
  options.number({"--high-queue-seconds",
                  "Work of the lane HIGH that may wait, as computing time of all cores; more is "
                  "refused for a while",
                  "N [5]"},
                 service.high_queue_seconds, 0.001, 3600.0);
  options.number({"--low-queue-seconds", "The same for LOW, with HIGH's work counted in", "N [60]"},
                 service.low_queue_seconds, 0.001, 3600.0);
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
  EngineOptions engine_options = hilo::engine_options(*source);
  engine_options.policy = policy_of(options);
  Engine engine{*model->backend, model->tokenizer_or_null(), engine_options};
  for (const std::string& line : memory_report(memory_budget(*model, engine)))
    log_info(fmt::format("memory {}", line));
  log_info("ready");
  return (*supervisor)->run(engine);
}

}  // namespace hilo
