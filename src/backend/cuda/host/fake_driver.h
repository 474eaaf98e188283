// A device played on the host, for tests: a table like the plug-in's that checks what it is asked.
// Queued work is done only when somebody waits for it, by the kernels' own source on the shim.
//
// A call fails, and complaints() says why, if
//   - it comes before open(), or names a stream, event, graph or product that does not live
//   - memory that it would touch is not wholly inside one living allocation of the right kind, or
//     not aligned
//   - work on one stream touches what work on another stream writes, and nobody has waited
//   - memory is released that queued or recorded work touches, or a stream that has work or records
// Also, any call can be made to fail.
//
// Threads: any. One fake at a time; its table stays valid while it lives.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/driver.h"
#include "backend/cuda/host/fake_work.h"

namespace hilo {

struct FakeDeviceOptions {
  uint64_t bytes = uint64_t{1} << 30;
  int open_error = 0;    // what open() gives, as where there is no device
  bool computes = true;  // else work is checked and not done
};

class FakeDriver {
 public:
  explicit FakeDriver(const FakeDeviceOptions& options = {});
  ~FakeDriver();
  FakeDriver(const FakeDriver&) = delete;
  FakeDriver& operator=(const FakeDriver&) = delete;

  const CudaDriver& table() const;

  std::vector<std::string> complaints() const;
  // Allocations, streams, events, graphs and products that were not released.
  size_t alive() const;
  bool opened() const;

  // Calls that can fail, so far; and from now on the one with this number (from 0) does.
  uint64_t calls() const;
  void fail_call(uint64_t number);
  static constexpr int injected_error = 700;

  // Work that another library queues, checked like its own.
  int queue(CudaStream* stream, Work work);

  // What was done on streams, in the order in which it was done: "stream 1: embed".
  std::vector<std::string> work() const;

  class State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hilo
