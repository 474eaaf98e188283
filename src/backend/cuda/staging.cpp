#include "backend/cuda/staging.h"

namespace hilo {

Result<std::unique_ptr<Staging>> Staging::make(const CudaDriver& driver, const Sizes& sizes,
                                               bool sleeps) {
  const auto pin = [&](uint64_t bytes) {
    return make_handle<PinnedMemory>(driver, "pin memory of the host", [&](void** made) {
      return driver.allocate_pinned(bytes, made);
    });
  };
  std::unique_ptr<Staging> staging{new Staging};
  staging->slots_.reserve(sizes.slots);
  staging->free_.reserve(sizes.slots);
  for (size_t i = 0; i < sizes.slots; ++i) {
    auto in = pin(sizes.in_bytes);
    if (!in) return in.error();
    auto out = pin(sizes.out_bytes);
    if (!out) return out.error();
    auto done = make_handle<EventHandle>(driver, "make an event", [&](CudaEvent** made) {
      return driver.make_event(sleeps ? 1 : 0, made);
    });
    if (!done) return done.error();
    staging->slots_.push_back(
        {.in = *std::move(in), .out = *std::move(out), .done = *std::move(done)});
    staging->free_.push_back(&staging->slots_.back());
    staging->bytes_ += sizes.in_bytes + sizes.out_bytes;
  }
  return staging;
}

}  // namespace hilo
