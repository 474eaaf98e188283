// The encoder on a GPU, without an engine around it: what docs/GPU.md tells in figures. It needs
// nothing but the plug-in, so it can be carried to a machine that has a GPU and nothing else.
//   device      only what it is; told with every part
//   throughput  LOW alone, by length of texts and size of quanta
//   latency     one HIGH text alone and beside LOW
//   phases      where the GPU's time goes
//   overhead    what a quantum costs besides
#include <algorithm>
#include <cstdio>
#include <exception>

#include "backend/cpu/random_model.h"
#include "backend/cuda/cuda_backend.h"
#include "gpu/gpu_bench.h"
#include "support/report.h"

namespace hilo {
namespace {

// Real weights where there are any: speed does not depend on them, but for how a GPU's power does.
Result<Model> model_of(const GpuBenchOptions& options) {
  if (!options.model.empty()) {
    const auto header = read_model_header(options.model);
    if (!header) return header.error();
    return load_model(*header);
  }
  if (options.shape == "minilm") return random_model(minilm_l6_config);
  EncoderConfig config = minilm_l6_config;
  if (options.shape == "base") {
    config.layers = 12;
    config.hidden = 768;
    config.intermediate = 3072;
  } else {  // tiny
    config.layers = 1;
    config.hidden = 64;
    config.heads = 2;
    config.intermediate = 128;
    config.vocabulary = 100;
  }
  return random_model(config);
}

Result<nlohmann::json> about_device(const CudaDriver& driver) {
  CudaDevice device{};
  if (const int error = driver.open(&device); error != 0)
    return Error{fmt::format("there is no GPU to measure: {}", driver.error_text(error))};
  driver.close();
  return nlohmann::json{
      {"name", device.name},
      {"capability", fmt::format("{}.{}", device.capability_major, device.capability_minor)},
      {"bytes_total", device.bytes_total},
      {"priority_least", device.priority_least},
      {"priority_greatest", device.priority_greatest}};
}

struct Part {
  const char* name;
  Result<nlohmann::json> (*measure)(const GpuBenchRun&);
};
constexpr Part parts[] = {{"throughput", measure_throughput},
                          {"latency", measure_latency},
                          {"phases", measure_phases},
                          {"overhead", measure_overhead}};

// A part that fails is told in the figures, and the next one goes on.
bool measure_format(const GpuBenchRun& run, nlohmann::json& figures) {
  bool good = true;
  for (const Part& part : parts) {
    if (std::ranges::find(run.options.parts, part.name) == run.options.parts.end()) continue;
    print_line("---- {}, {}", part.name, run.format == cuda_bf16 ? "bf16" : "fp16");
    std::string message;
    try {
      auto rows = part.measure(run);
      if (rows) {
        figures[part.name] = *std::move(rows);
        continue;
      }
      message = rows.error().message;
    } catch (const std::exception& error) {  // Of a driver's function that failed.
      message = error.what();
    }
    print_line("{} failed: {}", part.name, message);
    figures[part.name] = {{"error", message}};
    good = false;
  }
  return good;
}

int run(const GpuBenchOptions& options) {
  nlohmann::json json = nlohmann::json::object();
  const auto measure = [&]() -> Status {
    const auto driver = load_cuda_driver();
    if (!driver) return driver.error();
    auto device = about_device(**driver);
    if (!device) return device.error();
    json["device"] = *std::move(device);
    print_line("{}", json["device"].dump());
    if (options.parts == std::vector<std::string>{"device"}) return {};
    const auto model = model_of(options);
    if (!model) return model.error();
    json["model"] = options.model.empty() ? options.shape : model->header.name;
    bool good = true;
    for (const std::string& format : options.formats) {
      const GpuBenchRun of_format{.driver = **driver,
                                  .model = *model,
                                  .options = options,
                                  .format = format == "bf16" ? cuda_bf16 : cuda_fp16};
      good = measure_format(of_format, json["formats"][format]) && good;
    }
    return good ? Status{} : Error{"some parts failed"};
  };
  const Status status = measure();
  const int written = finish_benchmark({}, options.json, json);
  return finish_benchmark(status, {}, {}) + written == 0 ? 0 : 1;
}

}  // namespace
}  // namespace hilo

int main(int count, char** arguments) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // So that a run that is stopped has told something.
  CLI::App app{"The encoder on a GPU, by the plug-in libhilo_cuda.so."};
  hilo::GpuBenchOptions options;
  hilo::add_json_option(app, options.json);
  app.add_option("--model", options.model, "A model's folder; else random weights");
  app.add_option("--shape", options.shape, "Of random weights")
      ->check(CLI::IsMember({"minilm", "base", "tiny"}))
      ->capture_default_str();
  app.add_option("--formats", options.formats, "bf16, fp16")
      ->delimiter(',')
      ->check(CLI::IsMember({"bf16", "fp16"}))
      ->capture_default_str();
  app.add_option("--parts", options.parts, "What to measure")
      ->delimiter(',')
      ->check(CLI::IsMember({"device", "throughput", "latency", "phases", "overhead"}))
      ->capture_default_str();
  app.add_option("--tokens", options.tokens, "Of LOW texts")->delimiter(',')->capture_default_str();
  app.add_option("--quanta", options.quanta, "Tokens of LOW at once")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--high-tokens", options.high_tokens, "Of HIGH texts")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--high-texts", options.high_texts, "For each latency")->capture_default_str();
  app.add_option("--seconds", options.seconds, "For each rate")->capture_default_str();
  CLI11_PARSE(app, count, arguments);
  return hilo::run(options);
}
