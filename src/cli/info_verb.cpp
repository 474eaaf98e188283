#include <string>

#include <fmt/format.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cuda/cuda_backend.h"
#include "cli/memory_report.h"
#include "cli/model_facts.h"
#include "cli/model_source.h"
#include "cli/verb.h"
#include "engine/engine.h"
#include "protocol/bounds.h"
#include "protocol/layout.h"

namespace hilo {
namespace {

constexpr const char* info_examples = R"(
Examples:
  hilo info
  hilo info --model DIR
  hilo info --model DIR --backend cuda)";

Result<std::string> describe_gpu() {
  const auto driver = load_cuda_driver();
  if (!driver) return driver.error();
  return describe_cuda_device(**driver);
}

Status print_machine() {
  const auto level = select_cpu_level();
  if (!level) return level.error();
  print_line("hilo", HILO_VERSION);
  print_line("cpu", cpu_level_name(*level));
  print_line("limits", fmt::format("{} programs, {} texts in flight each, {} KiB a text",
                                   clients_max, tasks_per_client_max, text_bytes_max / 1024));
  return {};
}

class InfoVerb final : public Verb {
 public:
  CommandWords words() const override {
    return {"info", "Tell about this machine, and about a model", info_examples};
  }

  void add_options(const OptionList& options) override {
    options.text({"--model", "Model directory", "DIR"}, options_.directory);
    add_backend_options(options, options_);
  }

  Status run() override {
    if (options_.directory.empty() || !needs_model(options_)) {
      const auto gpu = describe_gpu();  // A model's backend has it to itself.
      print_line("gpu", gpu ? *gpu : fmt::format("none: {}", gpu.error().message));
      return print_machine();
    }
    auto source = find_model(options_);
    if (!source) return source.error();
    const auto model = load(*source);
    if (!model) return model.error();
    if (Status status = print_machine(); !status) return status;
    print_header(*source->header);
    print_line("backend", model->backend->describe());
    print_line("loading", fmt::format("{} ms", model->load_time / millisecond_ns));
    const Engine engine{*model->backend, model->tokenizer_or_null(), engine_options(*source)};
    for (const std::string& line : memory_report(memory_budget(*model, engine)))
      print_line("memory", line);
    return {};
  }

 private:
  ModelOptions options_;
};

}  // namespace

std::unique_ptr<Verb> make_info_verb() { return std::make_unique<InfoVerb>(); }

}  // namespace hilo
