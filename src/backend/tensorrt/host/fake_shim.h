// An engine of TensorRT played on the host, for tests: a table like the plug-in's that checks what
// it is asked. What it computes is the model's encoder on the CPU; its work is queued on the
// streams of a FakeDriver, which checks order and bounds.
//
// A call fails, and complaints() says why, if
//   - it comes before open(), or names an engine or context that does not live
//   - an engine is released before its contexts, or the runtime closed before its engines
//   - a shape is outside of the profile, or memory is less than the profile takes
//   - an engine is queued before its memory, places and shapes were told
//   - what it reads is no table of ids: an id that the model lacks, a mask with a gap
// Also, any call can be made to fail.
//
// Threads: any. One fake at a time; its table stays valid while it lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/cuda/host/fake_driver.h"
#include "backend/tensorrt/shim.h"
#include "model/model.h"

namespace hilo {

struct FakeEngineOptions {
  TensorRtType ids = tensorrt_int64;
  TensorRtType output = tensorrt_fp32;
  std::vector<TensorRtShape> profiles_max = {{4, 80}, {8, 80}};  // HIGH's, LOW's
  uint64_t memory_bytes = 5000;
  uint32_t auxiliary_streams = 0;
  std::string extra_input{};    // one more than are known
  std::string missing_input{};  // one that it does not take
};

class FakeShim {
 public:
  // The engine is of this model, without what becomes of vectors that are not raw.
  FakeShim(FakeDriver& driver, const Model& model, const FakeEngineOptions& options = {});
  ~FakeShim();
  FakeShim(const FakeShim&) = delete;
  FakeShim& operator=(const FakeShim&) = delete;

  const TensorRtShim& table() const;
  // The one content that load() takes.
  static std::span<const std::byte> engine();

  std::vector<std::string> complaints() const;
  // Engines and contexts that were not released.
  size_t alive() const;
  bool opened() const;

  // Calls that can fail, so far; and from now on the one with this number (from 0) does.
  uint64_t calls() const;
  void fail_call(uint64_t number);

  class State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hilo
