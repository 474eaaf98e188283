// Which backend computes a model: the one that is named, or the first device that can, or the CPU.
#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/cpu/cpu_backend.h"
#include "base/result.h"
#include "cli/model_options.h"
#include "model/model.h"

namespace hilo {

// What the CPU would compute with, known before a model is loaded.
struct CpuChoice {
  CpuLevel level = CpuLevel::scalar;
  PrecisionChoice precision{Precision::fp32, ""};
};
Result<CpuChoice> choose_cpu(const ModelOptions& options);

// What clients are told of it.
struct BackendFacts {
  std::string name;
  std::string precision;
  std::string device;  // empty: the CPU
  bool token_vectors = false;
};
struct ChosenBackend {
  std::unique_ptr<Backend> backend;
  BackendFacts facts;
};

// Whether what is asked of the CPU can come to matter.
bool may_use_cpu(const ModelOptions& options);
// Whether it turns out only with the model in hand which backend it is, or that there is none.
bool may_use_device(const ModelOptions& options);

// For `auto`, a line of the log tells what was chosen and, if it is no device, why.
Result<ChosenBackend> choose_backend(const ModelOptions& options, const CpuChoice& cpu,
                                     const Model& model);

}  // namespace hilo
