// What a quantum costs besides its kernels: what the host spends on queueing it, and what passes
// from then until its vectors are there, by the size of its bucket.
#include <algorithm>
#include <memory>

#include "backend/cuda/batch_layout.h"
#include "backend/cuda/cuda_lane.h"
#include "backend/cuda/device/device_test_support.h"
#include "gpu/gpu_bench.h"
#include "support/report.h"
#include "support/samples.h"

namespace hilo {
namespace {

// One text in each bucket, so that the copies are those of a small answer.
struct Slot {
  Slot(const OpenedDevice& device, uint64_t in_bytes, uint64_t out_bytes)
      : in(pin(device, in_bytes)),
        out(pin(device, out_bytes)),
        done(*make_handle<EventHandle>(device.driver(), "make an event", [&](CudaEvent** made) {
          return device.driver().make_event(/*sleeps=*/0, made);
        })) {}
  static PinnedMemory pin(const OpenedDevice& device, uint64_t bytes) {
    return *make_handle<PinnedMemory>(device.driver(), "pin memory", [&](void** made) {
      return device.driver().allocate_pinned(bytes, made);
    });
  }
  PinnedMemory in, out;
  EventHandle done;
};

nlohmann::json measure_bucket(const OpenedDevice& device, const GpuBenchRun& run, CudaLane& lane,
                              size_t index, const CudaBucket& bucket) {
  const ModelHeader& header = run.model.header;
  const BatchLayout layout(bucket);
  const Slot slot(device, layout.bytes, uint64_t{header.dims()} * sizeof(float));
  const uint32_t tokens = std::min(bucket.tokens, header.encoder.text_tokens_max());
  const std::vector<uint32_t> ids(tokens, 7);
  const std::vector<uint32_t> starts = {0, tokens};
  const auto queued = std::make_unique<Samples>();
  const auto done = std::make_unique<Samples>();
  for (uint32_t round = 0; round < run.options.high_texts / 10; ++round) {
    const Instant began = monotonic_now();
    write_batch({.ids = ids, .types = {}, .sequence_start = starts}, {0, 1}, header.encoder, layout,
                static_cast<std::byte*>(slot.in.get()));
    device.must(lane.queue({.bucket = index,
                            .in = slot.in.get(),
                            .out = slot.out.get(),
                            .out_bytes = header.dims() * sizeof(float),
                            .done = slot.done.get()}));
    queued->add(monotonic_now() - began);
    device.must(device.driver().wait(slot.done.get()));
    done->add(monotonic_now() - began);
  }
  print_line("{:>8} {:9.1f} {:9.1f} {:9.1f}", bucket.tokens, queued->quantile_us(0.5),
             done->quantile_us(0.5), done->quantile_us(0.99));
  return {{"bucket", bucket.tokens},
          {"text_tokens", tokens},
          {"queue_us", queued->quantile_us(0.5)},
          {"done_us", done->quantile_us(0.5)},
          {"done_p99_us", done->quantile_us(0.99)}};
}

}  // namespace

Result<nlohmann::json> measure_overhead(const GpuBenchRun& run) {
  nlohmann::json rows = nlohmann::json::array();
  const OpenedDevice device(run.driver);
  const auto weights = upload_model(run.driver, run.model, run.format);
  if (!weights) return weights.error();
  const auto buckets = cuda_buckets(std::min(run.options.quanta.back(), 2048U), 128);
  const auto gemms =
      make_layer_gemms(run.driver, run.model.header.encoder, run.format, buckets.back().tokens);
  if (!gemms) return gemms.error();
  const auto lane = CudaLane::make({run.driver, run.model.header, *weights, *gemms}, 0, buckets);
  if (!lane) return lane.error();
  print_line("{:>8} {:>9} {:>9} {:>9}", "bucket", "queue us", "done us", "p99");
  for (size_t i = 0; i < buckets.size(); ++i)
    rows.push_back(measure_bucket(device, run, **lane, i, buckets[i]));
  return rows;
}

}  // namespace hilo
