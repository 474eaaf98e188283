// The encoder on the CPU: packed tokens, own kernels, one batch a core.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "backend/cpu/precision.h"
#include "base/cpu_level.h"
#include "base/result.h"
#include "model/model.h"

namespace hilo {

struct PrecisionChoice {
  Precision precision;
  std::string why;  // a clause for the log; empty if there is nothing to say
};
// What "fp32", "bf16", "int8" or "auto" comes to at this level. Auto is the fastest precision whose
// vectors are those of fp32 for every purpose. A precision that the level cannot compute is an
// error.
Result<PrecisionChoice> choose_precision(std::string_view wanted, CpuLevel level);

// Packs the weights for `level`; the model's files are not needed afterwards. The level can compute
// the precision.
Result<std::unique_ptr<Backend>> make_cpu_backend(const Model& model, Precision precision,
                                                  CpuLevel level);

}  // namespace hilo
