#include "cli/service.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/log.h"
#include "base/service_manager.h"
#include "cli/memory_report.h"
#include "cli/metrics_json.h"
#include "engine/trace.h"
#include "supervisor/control_client.h"

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

// The timeline's file is made before anything is traced, so that a wrong path is told at once.
Result<std::ofstream> open_trace(const std::string& path) {
  std::ofstream file;
  if (path.empty()) return file;
  file.open(path, std::ios::trunc);
  if (!file)
    return Error{fmt::format("The timeline {} cannot be written: {}.", path, std::strerror(errno))};
  return file;
}

// Without a control socket the engine runs all the same.
void offer_answers(Supervisor& supervisor, EngineAnswers& answers) {
  const auto path = make_way_for_control();
  const Status offered =
      path ? supervisor.answer_at(*path,
                                  [&answers](std::string_view question, Instant now) {
                                    return answers.to(question, now);
                                  })
           : Status{path.error()};
  if (!offered) log_warning(fmt::format("hilo top cannot look: {}", offered.error().message));
}

// How long to wait for the engine's threads when all is over. One in SCHED_IDLE gets a moment every
// few seconds only, where others keep the cores busy.
constexpr Nanoseconds stop_wait_max = second_ns;

// What an engine needs as long as one of its threads lives.
struct Service {
  LoadedModel model;
  std::optional<Trace> trace;
  std::optional<Engine> engine;
};

// Serves until the run ends.
Status run_engine(Supervisor& supervisor, const ServiceOptions& options, const ModelSource& source,
                  Service& service) {
  const LoadedModel& model = service.model;
  Trace* const trace = service.trace ? &*service.trace : nullptr;
  EngineOptions engine_options = hilo::engine_options(source);
  engine_options.policy = policy_of(options);
  engine_options.trace = trace;
  Engine& engine =
      service.engine.emplace(*model.backend, model.tokenizer_or_null(), engine_options);
  EngineAbout about{.model = source.header ? source.header->name : "",
                    .backend = model.backend->describe(),
                    .socket = options.socket,
                    .started = monotonic_now()};
  std::vector<BudgetLine> budget = memory_budget(model, engine);
  if (trace != nullptr) budget.push_back({"timeline", trace->bytes()});
  for (const BudgetLine& line : budget) about.budget_bytes += line.bytes;
  for (const std::string& line : memory_report(budget)) log_info(fmt::format("memory {}", line));

  EngineAnswers answers{engine, std::move(about)};
  offer_answers(supervisor, answers);
  log_info("ready");
  tell_service_manager("READY=1");
  return supervisor.run(engine);
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
  options.text({"--trace", "At the end, write a timeline for ui.perfetto.dev", "FILE"},
               service.trace_path);
}

Status run_service(const ServiceOptions& options,
                   const std::function<Status(Supervisor&)>& open_doors) {
  ModelOptions model_options = options.model;
  model_options.low_share = policy_of(options).low_share;
  auto source = find_model(model_options);
  if (!source) return source.error();
  auto supervisor = Supervisor::create({.channel = source->channel,
                                        .restart = options.restart,
                                        .drain_wait_max = static_cast<Nanoseconds>(
                                            options.drain_seconds * static_cast<double>(second_ns)),
                                        .pass_on_hang_up = options.pass_on_hang_up});
  if (!supervisor) return supervisor.error();
  auto trace_file = open_trace(options.trace_path);
  if (!trace_file) return trace_file.error();
  if (Status status = open_doors(**supervisor); !status) return status;

  auto model = load(*source);
  if (!model) return model.error();
  log_info(describe(*source, *model));

  auto service = std::make_unique<Service>();
  service->model = std::move(*model);
  if (trace_file->is_open()) service->trace.emplace();
  Status ended = run_engine(**supervisor, options, *source, *service);
  if (!service->engine->stop(monotonic_now() + stop_wait_max)) {
    log_warning("others leave no time to LOW's threads: the process ends without waiting for them");
    // They may still wake up before it does.
    [[maybe_unused]] Service* const left_to_them = service.release();
    return ended;
  }
  if (!service->trace) return ended;
  *trace_file << service->trace->json();
  trace_file->close();
  if (ended && !*trace_file)
    return Error{fmt::format("The timeline {} could not be written.", options.trace_path)};
  return ended;
}

}  // namespace hilo
