#include "cli/choose_backend.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "backend/cuda/cuda_backend.h"
#include "backend/tensorrt/tensorrt_backend.h"
#include "base/log.h"
#include "model/prepared_model.h"

namespace hilo {
namespace {

struct OnDevice {
  std::unique_ptr<Backend> backend;
  std::string precision;
};

Result<OnDevice> make_cuda(const ModelOptions& options, const Model& model) {
  const auto driver = load_cuda_driver();
  if (!driver) return driver.error();
  auto made = make_cuda_backend(**driver, model,
                                {.format = options.gpu_format == "fp16" ? cuda_fp16 : cuda_bf16,
                                 .quantum_tokens = options.gpu_quantum,
                                 .low_share = options.low_share});
  if (!made) return made.error();
  return OnDevice{.backend = *std::move(made), .precision = options.gpu_format};
}

// The model's own weights are not used: the engine has them.
Result<OnDevice> make_tensorrt(const ModelOptions& options, const Model& model) {
  const auto prepared = read_prepared_model(options.prepared);
  if (!prepared) return prepared.error();
  // First of all: what the manifest tells is worth no more than the file that it is in.
  const auto engine = read_engine(*prepared);
  if (!engine) return engine.error();
  const auto shim = load_tensorrt_shim(*prepared);
  if (!shim) return shim.error();
  const auto driver = load_cuda_driver();
  if (!driver) return driver.error();
  auto made = make_tensorrt_backend(
      {.shim = **shim,
       .driver = **driver,
       .header = model.header,
       .prepared = *prepared,
       .engine = *engine},
      {.quantum_tokens = options.gpu_quantum, .low_share = options.low_share});
  if (!made) return made.error();
  return OnDevice{.backend = *std::move(made), .precision = prepared->graph.precision};
}

// Each by its name in --backend; `auto` takes the first that can.
struct DeviceBackend {
  std::string_view name;
  Result<OnDevice> (*make)(const ModelOptions& options, const Model& model);
};
constexpr std::array device_backends{DeviceBackend{"tensorrt", make_tensorrt},
                                     DeviceBackend{"cuda", make_cuda}};

bool is_asked_for(const DeviceBackend& kind, const ModelOptions& options) {
  if (options.backend != "auto") return options.backend == kind.name;
  return kind.name != "tensorrt" || !options.prepared.empty();
}

Result<ChosenBackend> make_on_device(const DeviceBackend& kind, const ModelOptions& options,
                                     const Model& model) {
  auto made = kind.make(options, model);
  if (!made) return made.error();
  BackendFacts facts{.name = std::string{kind.name},
                     .precision = std::move(made->precision),
                     .device = made->backend->device()->name,
                     .token_vectors = made->backend->gives_token_vectors()};
  return ChosenBackend{.backend = std::move(made->backend), .facts = std::move(facts)};
}

}  // namespace

Result<CpuChoice> choose_cpu(const ModelOptions& options) {
  const auto level = select_cpu_level();
  if (!level) return level.error();
  auto precision = choose_precision(options.precision, *level);
  if (!precision) return precision.error();
  return CpuChoice{.level = *level, .precision = *std::move(precision)};
}

bool may_use_cpu(const ModelOptions& options) {
  return options.backend == "cpu" || options.backend == "auto";
}

bool may_use_device(const ModelOptions& options) {
  return needs_model(options) && options.backend != "cpu";
}

Result<ChosenBackend> choose_backend(const ModelOptions& options, const CpuChoice& cpu,
                                     const Model& model) {
  const bool any = options.backend == "auto";
  std::string why_not;
  for (const DeviceBackend& kind : device_backends) {
    if (!is_asked_for(kind, options)) continue;
    auto chosen = make_on_device(kind, options, model);
    if (!any) return chosen;
    if (chosen) {
      log_info(fmt::format("--backend auto: computing on the GPU {}", chosen->facts.device));
      return chosen;
    }
    why_not += fmt::format("{}{}", why_not.empty() ? "" : "; ", chosen.error().message);
  }
  if (any) log_info(fmt::format("--backend auto: computing on the CPU, because {}", why_not));
  auto made = make_cpu_backend(model, cpu.precision.precision, cpu.level);
  if (!made) return made.error();
  const bool token_vectors = (*made)->gives_token_vectors();
  return ChosenBackend{.backend = *std::move(made),
                       .facts = {.name = "cpu",
                                 .precision = precision_name(cpu.precision.precision),
                                 .device = "",
                                 .token_vectors = token_vectors}};
}

}  // namespace hilo
