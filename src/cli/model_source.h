// The model that the command line names, in two steps: what the channels must know about it, read
// in a moment, and then everything, which takes longer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/cpu_backend.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/result.h"
#include "channel/session.h"
#include "engine/engine.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace hilo {

struct ModelOptions {
  std::string directory;
  std::string backend = "cpu";     // cpu, echo, null
  std::string precision = "fp32";  // or bf16, int8, auto
  uint32_t threads = 0;
};

// Adds --model, --backend, --precision and --threads.
void add_model_options(const OptionList& options, ModelOptions& model);
// For OptionList::require(): the backend needs a model and none is named.
std::string missing_option(const ModelOptions& options);

// The first step: shape and limits, without weights.
struct ModelSource {
  ModelOptions options;
  std::optional<ModelHeader> header;  // None for the backends that need no model.
  CpuLevel level = CpuLevel::scalar;
  PrecisionChoice precision{Precision::fp32, ""};
  ChannelSpec channel;
};
Result<ModelSource> find_model(const ModelOptions& options);

// The second step: everything it takes to turn texts into vectors.
struct LoadedModel {
  std::unique_ptr<Backend> backend;
  std::optional<Tokenizer> tokenizer;  // None where tokens are bytes.
  Nanoseconds load_time = 0;

  const Tokenizer* tokenizer_or_null() const { return tokenizer ? &*tokenizer : nullptr; }
};
Result<LoadedModel> load(const ModelSource& source);

EngineOptions engine_options(const ModelSource& source);

// What the process holds, by owner: the engine's buffers and the model.
std::vector<BudgetLine> memory_budget(const LoadedModel& model, const Engine& engine);

// "loaded all-MiniLM-L6-v2 in 61 ms: 384 dims, 256 tokens, cpu fp32 (AVX-512)"
std::string describe(const ModelSource& source, const LoadedModel& model);

}  // namespace hilo
