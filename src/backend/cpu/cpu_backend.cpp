#include "backend/cpu/cpu_backend.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "backend/cpu/choose_kernels.h"
#include "backend/cpu/encoder.h"
#include "backend/cpu/packed_model.h"
#include "backend/cpu/pooling.h"
#include "base/ensure.h"

namespace hilo {
namespace {

// Texts go through the layers in chunks of about so many tokens (a longer text alone): enough to
// hide the reading of weights behind arithmetic, and few enough that all activations stay in a
// core's own cache.
constexpr size_t chunk_tokens_wanted = 128;

class CpuWorkspace final : public Workspace {
 public:
  CpuWorkspace(const PackedModel& model, const CpuKernels& kernels, const EncoderLimits& limits)
      : buffers(model.shape, kernels, model.precision, limits),
        scratch(model.shape, kernels, model.precision.attention, limits.text_tokens) {}
  size_t bytes() const override { return buffers.bytes() + scratch.bytes(); }

  EncoderBuffers buffers;
  AttentionScratch scratch;
};

// Attention of narrow models is in bf16 where the machine multiplies it, from its queries on: in
// 8 bits they would be the largest part of what int8 costs in quality, for a tenth of its speed.
ModelPrecision model_precision(const CpuKernels& kernels, Precision weights) {
  if (weights == Precision::fp32) return {weights, weights, weights};
  if (kernels.bf16.multiply == nullptr) return {weights, Precision::fp32, weights};
  return {weights, Precision::bf16, Precision::bf16};
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(const Model& model, Precision precision, CpuLevel level)
      : level_(level),
        kernels_(kernels_for(level)),
        model_(model, model_precision(kernels_, precision), kernels_.panel_columns) {}

  uint32_t dims() const override { return model_.score_head ? 1 : model_.config.hidden; }
  uint32_t vocabulary() const override { return model_.config.vocabulary; }
  uint32_t token_types() const override { return model_.config.token_types; }
  std::string describe() const override {
    return fmt::format("cpu {} ({})", precision_name(model_.precision.weights),
                       cpu_level_name(level_));
  }
  size_t bytes() const override { return model_.bytes(); }

  std::unique_ptr<Workspace> make_workspace(uint32_t tokens_max, uint32_t, Lane) const override {
    ENSURE(tokens_max > 0);
    const uint32_t text_tokens_max = std::min(tokens_max, model_.config.text_tokens_max());
    const size_t chunk_tokens = std::max<size_t>(text_tokens_max, chunk_tokens_wanted);
    return std::make_unique<CpuWorkspace>(
        model_, kernels_,
        EncoderLimits{.chunk_tokens = std::min<size_t>(tokens_max, chunk_tokens),
                      .text_tokens = text_tokens_max});
  }

  bool run(const TokenBatch& batch, Workspace& workspace, const YieldGate& gate,
           std::span<float* const> vectors) const override {
    Crew::Member alone;
    return lead(batch, workspace, alone, gate, vectors);
  }

  bool shares() const override { return true; }
  bool gives_token_vectors() const override { return !model_.score_head; }

  bool lead(const TokenBatch& batch, Workspace& workspace, Crew::Member& member,
            const YieldGate& gate, std::span<float* const> vectors) const override {
    auto& own = static_cast<CpuWorkspace&>(workspace);
    encode(batch, own.buffers, {.scratch = own.scratch, .member = member, .gate = gate}, vectors);
    return !gate.is_abandoned();
  }

  void assist(const TokenBatch& batch, Workspace& leaders, Workspace& own, Crew::Member& member,
              std::span<float* const> vectors) const override {
    const YieldGate always_open;
    encode(
        batch, static_cast<CpuWorkspace&>(leaders).buffers,
        {.scratch = static_cast<CpuWorkspace&>(own).scratch, .member = member, .gate = always_open},
        vectors);
  }

 private:
  void encode(const TokenBatch& batch, EncoderBuffers& buffers, const EncoderThread& thread,
              std::span<float* const> vectors) const {
    ENSURE(vectors.size() == batch.texts());
    ENSURE(batch.sequence_start.back() <= batch.ids.size());
    ENSURE(batch.types.empty() || batch.types.size() == batch.ids.size());
    ENSURE(batch.raw.empty() || batch.raw.size() == batch.texts());
    ENSURE(batch.tokens_from.empty() || batch.tokens_from.size() == batch.texts());
    for (size_t first = 0; first < batch.texts() && !thread.gate.is_abandoned();) {
      const size_t end = end_of_chunk(batch.sequence_start, first);
      const auto of_chunk = [&](auto all) {
        return all.empty() ? all : all.subspan(first, end - first);
      };
      const TokenBatch chunk = {
          .ids = batch.ids,
          .types = batch.types,
          .sequence_start = batch.sequence_start.subspan(first, end - first + 1),
          .raw = of_chunk(batch.raw),
          .tokens_from = of_chunk(batch.tokens_from)};
      encode_chunk(model_, kernels_, chunk, buffers, thread);
      deliver(chunk, buffers, thread, vectors.subspan(first, end - first));
      first = end;
    }
  }

  // One past the last text of the chunk that begins with text `first`.
  static size_t end_of_chunk(std::span<const uint32_t> sequence_start, size_t first) {
    size_t end = first + 1;
    while (end + 1 < sequence_start.size() &&
           sequence_start[end + 1] - sequence_start[first] <= chunk_tokens_wanted) {
      ++end;
    }
    return end;
  }

  void deliver(const TokenBatch& chunk, EncoderBuffers& buffers, const EncoderThread& thread,
               std::span<float* const> vectors) const {
    const Matrix hidden = buffers.hidden();
    const size_t columns = model_.shape.hidden;
    thread.member.share(chunk.texts(), [&](size_t text) {
      if (!thread.gate.pass()) return;
      const size_t start = chunk.sequence_start[text] - chunk.sequence_start.front();
      const uint32_t count = chunk.tokens(text);
      const bool raw = !chunk.raw.empty() && chunk.raw[text] != 0;
      if (model_.score_head) {
        const float logit = model_.score_head->logit(hidden.floats(start), thread.gate);
        *vectors[text] = raw ? logit : model_.score_head->score_of(logit);
      } else if (const uint32_t from = chunk.first_token(text); from > 0) {
        const uint32_t rows = token_vectors(count, from);
        for (uint32_t row = 0; row < rows && thread.gate.pass(); ++row)
          std::copy_n(hidden.floats(start + from - 1 + row), columns,
                      vectors[text] + row * slot_floats(dims()));
      } else {
        pool(model_.pooling, hidden.from(start), count, columns, vectors[text]);
        if (model_.normalize && !raw) scale_to_unit_length(vectors[text], columns);
      }
    });
  }

  CpuLevel level_;
  const CpuKernels& kernels_;
  PackedModel model_;
};

std::string sizes_sentence(const EncoderConfig& config) {
  return fmt::format("hidden size {} with {} heads and intermediate size {}", config.hidden,
                     config.heads, config.intermediate);
}

}  // namespace

Result<std::unique_ptr<Backend>> make_cpu_backend(const Model& model, Precision precision,
                                                  CpuLevel level) {
  ENSURE(level <= best_cpu_level());
  ENSURE(kernel_for(kernels_for(level), precision).multiply != nullptr);
  const EncoderConfig& config = model.header.encoder;
  if (config.hidden == 0 || config.intermediate == 0 || config.heads == 0 ||
      config.hidden % config.heads != 0) {
    return Error{fmt::format(
        "{} has {}: every head needs an equal, non-empty share. Use a model with other sizes.",
        model.header.name, sizes_sentence(config))};
  }
  return std::unique_ptr<Backend>(std::make_unique<CpuBackend>(model, precision, level));
}

}  // namespace hilo
