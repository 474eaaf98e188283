// What the command line says about the model and what computes it.
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"

namespace hilo {

struct ModelOptions {
  std::string directory;
  std::string backend = "cpu";     // cpu, cuda, tensorrt, auto; echo, null
  std::string prepared;            // for tensorrt
  std::string precision = "fp32";  // of the CPU: fp32, bf16, int8, auto
  uint32_t threads = 0;
  std::string gpu_format = "bf16";  // or fp16
  uint32_t gpu_quantum = 2048;      // tokens
  double low_share = 0.05;          // of a device, while HIGH would take all
};

// Adds --model, --threads and those of add_backend_options().
void add_model_options(const OptionList& options, ModelOptions& model);
// Adds --backend, --precision, --prepared, --gpu-format and --gpu-quantum.
void add_backend_options(const OptionList& options, ModelOptions& model);

// False for the backends that test the path of a text.
bool needs_model(const ModelOptions& options);
// For OptionList::require(): the backend needs a model and none is named.
std::string missing_option(const ModelOptions& options);

}  // namespace hilo
