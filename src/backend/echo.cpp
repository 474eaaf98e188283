#include "backend/echo.h"

#include "base/ensure.h"

namespace hilo {
namespace {

class NoWorkspace final : public Workspace {
 public:
  size_t bytes() const override { return 0; }
};

// What both backends share: the shape of a model, and no work worth handing to a worker.
class ModelFreeBackend : public Backend {
 public:
  uint32_t dims() const override { return echo_dims; }
  uint32_t vocabulary() const override { return byte_vocabulary; }
  size_t bytes() const override { return 0; }
  bool instant() const override { return true; }
  bool gives_token_vectors() const override { return true; }
  std::unique_ptr<Workspace> make_workspace(uint32_t, uint32_t, Lane) const override {
    return std::make_unique<NoWorkspace>();
  }
};

class EchoBackend final : public ModelFreeBackend {
 public:
  std::string describe() const override { return "echo"; }
  bool run(const TokenBatch& batch, Workspace&, const YieldGate& gate,
           std::span<float* const> vectors) const override {
    ENSURE(vectors.size() == batch.texts());
    for (size_t text = 0; text < batch.texts(); ++text) {
      if (!gate.pass()) return false;
      const uint32_t start = batch.sequence_start[text];
      const uint32_t end = batch.sequence_start[text + 1];
      ENSURE(start <= end);
      ENSURE(end <= batch.ids.size());
      const auto ids = batch.ids.subspan(start, end - start);
      const uint32_t from = batch.first_token(text);
      if (from == 0) echo_vector(ids, {vectors[text], echo_dims});
      for (uint32_t row = 0; row < token_vectors(batch.tokens(text), from); ++row)
        echo_vector(ids.subspan(from - 1 + row, 1),
                    {vectors[text] + row * slot_floats(echo_dims), echo_dims});
    }
    return true;
  }
};

class NullBackend final : public ModelFreeBackend {
 public:
  std::string describe() const override { return "null"; }
  bool run(const TokenBatch& batch, Workspace&, const YieldGate& gate,
           std::span<float* const> vectors) const override {
    ENSURE(vectors.size() == batch.texts());
    return gate.pass();
  }
};

}  // namespace

std::unique_ptr<Backend> make_echo_backend() { return std::make_unique<EchoBackend>(); }

std::unique_ptr<Backend> make_null_backend() { return std::make_unique<NullBackend>(); }

void echo_vector(std::span<const uint32_t> ids, std::span<float> vector) {
  uint64_t state = 0xcbf29ce484222325;  // FNV-1a's offset basis and prime.
  for (const uint32_t id : ids) state = (state ^ id) * 0x100000001b3;
  for (float& element : vector) {
    state += 0x9e3779b97f4a7c15;  // SplitMix64.
    uint64_t bits = state;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    bits ^= bits >> 31;
    element = static_cast<float>(bits >> 40) * 0x1p-23F - 1.0F;
  }
}

}  // namespace hilo
