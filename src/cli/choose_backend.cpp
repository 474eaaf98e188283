#include "cli/choose_backend.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "backend/cuda/cuda_backend.h"
#include "base/log.h"

namespace hilo {
namespace {

using MadeBackend = Result<std::unique_ptr<Backend>>;

MadeBackend make_cuda(const ModelOptions& options, const Model& model) {
  const auto driver = load_cuda_driver();
  if (!driver) return driver.error();
  return make_cuda_backend(**driver, model,
                           {.format = options.gpu_format == "fp16" ? cuda_fp16 : cuda_bf16,
                            .quantum_tokens = options.gpu_quantum,
                            .low_share = options.low_share});
}

// Each by its name in --backend; `auto` takes the first that can.
struct DeviceBackend {
  std::string_view name;
  MadeBackend (*make)(const ModelOptions& options, const Model& model);
};
constexpr std::array device_backends{DeviceBackend{"cuda", make_cuda}};

Result<ChosenBackend> make_on_device(const DeviceBackend& kind, const ModelOptions& options,
                                     const Model& model) {
  auto made = kind.make(options, model);
  if (!made) return made.error();
  BackendFacts facts{.name = std::string{kind.name},
                     .precision = options.gpu_format,
                     .device = (*made)->device()->name};
  return ChosenBackend{.backend = *std::move(made), .facts = std::move(facts)};
}

}  // namespace

Result<CpuChoice> choose_cpu(const ModelOptions& options) {
  const auto level = select_cpu_level();
  if (!level) return level.error();
  auto precision = choose_precision(options.precision, *level);
  if (!precision) return precision.error();
  return CpuChoice{.level = *level, .precision = *std::move(precision)};
}

bool may_use_device(const ModelOptions& options) {
  return needs_model(options) && options.backend != "cpu";
}

Result<ChosenBackend> choose_backend(const ModelOptions& options, const CpuChoice& cpu,
                                     const Model& model) {
  const bool any = options.backend == "auto";
  std::string why_not;
  for (const DeviceBackend& kind : device_backends) {
    if (!any && options.backend != kind.name) continue;
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
  return ChosenBackend{
      .backend = *std::move(made),
      .facts = {.name = "cpu", .precision = precision_name(cpu.precision.precision), .device = ""}};
}

}  // namespace hilo
