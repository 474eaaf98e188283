// Where vectors are computed. One object for the process, shared by all workers.
// Threads: run() is called by many workers at once, each with its own workspace. Nothing allocates
// after make_workspace().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backend/crew.h"
#include "backend/yield_gate.h"
#include "base/clock.h"
#include "base/result.h"
#include "protocol/lane.h"
#include "protocol/layout.h"

namespace hilo {

// Texts computed together, packed back to back without padding.
struct TokenBatch {
  std::span<const uint32_t> ids;             // all tokens
  std::span<const uint8_t> types;            // token types; empty means all 0
  std::span<const uint32_t> sequence_start;  // one entry more than there are texts
  // 1 for each text whose vector is not to be scaled to length 1, or whose score is to stay a
  // logit, whatever the model says; empty means none.
  std::span<const uint8_t> raw{};
  // For each text: 0 for its vector, or k for those of its tokens from the k-th on; empty means 0.
  // They are the last layer's output as it is, token_vectors() of them.
  std::span<const uint32_t> tokens_from{};
  size_t texts() const { return sequence_start.size() - 1; }
  uint32_t tokens(size_t text) const { return sequence_start[text + 1] - sequence_start[text]; }
  uint32_t first_token(size_t text) const { return tokens_from.empty() ? 0 : tokens_from[text]; }
};

class Workspace {
 public:
  virtual ~Workspace() = default;
  virtual size_t bytes() const = 0;
  // How long a device was at the batch that was computed last; 0 where the thread computes itself.
  virtual Nanoseconds device_time() const { return 0; }
};

// What computes beside the cores, one batch of a lane after another, and what batches it wants.
struct Device {
  std::string name;        // "NVIDIA H100 80GB HBM3"
  uint32_t tokens_max;     // in a batch of several texts
  uint32_t tokens_enough;  // Fewer take about as long as so many.
  uint32_t texts_max;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual uint32_t dims() const = 0;
  // Ids must be below this. The engine guarantees it.
  virtual uint32_t vocabulary() const = 0;
  // Token types must be below this. The engine guarantees it. 0: the model has none, and a batch's
  // types are not looked at.
  virtual uint32_t token_types() const { return 0; }
  // For the log: "cpu fp32 (AVX-512)".
  virtual std::string describe() const = 0;
  // Bytes held for the model, for the memory budget.
  virtual size_t bytes() const = 0;
  // True if run() takes well under a microsecond a text, so that handing it to a worker would cost
  // more than doing it.
  virtual bool instant() const { return false; }

  // Whether it gives vectors of tokens. Where not, the engine asks for none.
  virtual bool gives_token_vectors() const { return false; }

  // Nothing: each core computes batches of its own. Else run() waits for a device.
  virtual std::optional<Device> device() const { return std::nullopt; }
  // For a device, which begins no work of LOW meanwhile but what LOW is owed: HIGH has texts
  // somewhere on their way to it, or none any more. Any thread; never waits for the device.
  virtual void expect_high(bool /*any*/) const {}

  // Scratch memory for batches of this lane, of up to tokens_max tokens in up to texts_max texts.
  virtual std::unique_ptr<Workspace> make_workspace(uint32_t tokens_max, uint32_t texts_max,
                                                    Lane lane = Lane::high) const = 0;

  // Computes one vector for each text: vectors[i] has room for dims() floats, 64-byte aligned; or
  // for as many vectors of tokens as are asked for, slot_stride(dims()) bytes from one to the next.
  // A text's vector is bit-identical whatever shares its batch. `gate` is passed at least every 20
  // us or so of work. False: it could not be computed, or was abandoned at the gate.
  virtual bool run(const TokenBatch& batch, Workspace& workspace, const YieldGate& gate,
                   std::span<float* const> vectors) const = 0;

  // The same as the leader of a crew, which others may join to assist.
  virtual bool lead(const TokenBatch& batch, Workspace& workspace, Crew::Member&,
                    const YieldGate& gate, std::span<float* const> vectors) const {
    return run(batch, workspace, gate, vectors);
  }
  // True if lead() gains from others.
  virtual bool shares() const { return false; }
  // Does a part of what the leader of `member`'s crew does, with the same batch, workspace and
  // vectors, and one's own workspace for what needs no sharing. Only where shares().
  virtual void assist(const TokenBatch&, Workspace& /*leaders*/, Workspace& /*own*/, Crew::Member&,
                      std::span<float* const> /*vectors*/) const {}
};

}  // namespace hilo
