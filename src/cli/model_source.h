// The model that the command line names, in two steps: what the channels must know about it, read
// in a moment, and then everything, which takes longer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/result.h"
#include "channel/session.h"
#include "cli/choose_backend.h"
#include "cli/model_options.h"
#include "engine/engine.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace hilo {

// Everything it takes to turn texts into vectors.
struct LoadedModel {
  std::unique_ptr<Backend> backend;
  BackendFacts facts;
  std::optional<Tokenizer> tokenizer;  // None where tokens are bytes.
  Nanoseconds load_time = 0;

  const Tokenizer* tokenizer_or_null() const { return tokenizer ? &*tokenizer : nullptr; }
};

// The first step: shape and limits, without weights.
struct ModelSource {
  ModelOptions options;
  std::optional<ModelHeader> header;  // None for the backends that need no model.
  CpuChoice cpu;
  ChannelSpec channel;
  // With a device the second step is taken at once: clients are told at their connection what
  // computes, and that is known only when everything is on the device.
  std::optional<LoadedModel> loaded{};
};
Result<ModelSource> find_model(const ModelOptions& options);

// The second step. Once for each source.
Result<LoadedModel> load(ModelSource& source);

EngineOptions engine_options(const ModelSource& source);

// What the process holds, by owner: the engine's buffers and the model.
std::vector<BudgetLine> memory_budget(const LoadedModel& model, const Engine& engine);

// "loaded all-MiniLM-L6-v2 in 61 ms: 384 dims, 256 tokens, cpu fp32 (AVX-512)"
std::string describe(const ModelSource& source, const LoadedModel& model);

}  // namespace hilo
