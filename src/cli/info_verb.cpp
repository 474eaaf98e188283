#include <string>

#include <fmt/format.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cuda/cuda_backend.h"
#include "cli/memory_report.h"
#include "cli/model_source.h"
#include "cli/verb.h"
#include "engine/engine.h"
#include "protocol/bounds.h"
#include "protocol/layout.h"

namespace hilo {
namespace {

constexpr const char* examples = R"(
Examples:
  hilo info
  hilo info --model DIR
  hilo info --model DIR --backend cuda)";

void print_line(const std::string& name, const std::string& value) {
  fmt::print("{:<12}{}\n", name, value);
}

std::string output_sentence(const ModelHeader& header) {
  if (header.score) return "one float, the score of a pair of texts";
  return fmt::format("{} floats, {} pooling, {}", header.dims(), pooling_name(header.pooling),
                     header.normalize ? "of length 1" : "not normalized");
}

void print_model(const ModelHeader& header) {
  const EncoderConfig& encoder = header.encoder;
  print_line("model", header.name);
  print_line("directory", header.directory.string());
  print_line("shape", fmt::format("{} layers, {} wide, {} heads, {} in the middle", encoder.layers,
                                  encoder.hidden, encoder.heads, encoder.intermediate));
  print_line("vocabulary", fmt::format("{} ids", encoder.vocabulary));
  print_line("tokens", fmt::format("at most {} a text, of {} that have a position",
                                   header.tokens_max, encoder.text_tokens_max()));
  print_line("vectors", output_sentence(header));
  std::string prompts;
  for (const Prompt& prompt : header.prompts)
    prompts += fmt::format("{}{} ", prompts.empty() ? "" : ", ", prompt.name);
  print_line("prompts", prompts.empty() ? "none" : prompts);
}

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
    return {"info", "Tell about this machine, and about a model", examples};
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
    print_model(*source->header);
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
