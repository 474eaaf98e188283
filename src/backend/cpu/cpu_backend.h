// The encoder on the CPU: packed tokens, own kernels, one batch a core.
#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"
#include "base/result.h"
#include "model/model.h"

namespace hilo {

enum class CpuLevel { scalar, avx2, avx512 };

// The best level this machine and its operating system support, or the one HILO_CPU names
// ("scalar", "avx2", "avx512"). An unknown name, or a level the machine lacks, is an error.
Result<CpuLevel> select_cpu_level();
const char* cpu_level_name(CpuLevel level);

enum class Precision { fp32 };

// Packs the weights for `level`; the model's files are not needed afterwards.
Result<std::unique_ptr<Backend>> make_cpu_backend(const Model& model, Precision precision,
                                                  CpuLevel level);

}  // namespace hilo
