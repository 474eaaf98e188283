#include "backend/cuda/cuda_backend.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "backend/cuda/batch_layout.h"
#include "backend/cuda/cuda_lane.h"
#include "backend/cuda/device_model.h"
#include "backend/cuda/quantum_gate.h"
#include "backend/cuda/staging.h"
#include "backend/plugin.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/no_signals.h"

namespace hilo {
namespace {

constexpr uint64_t mebibyte = uint64_t{1} << 20;

// HIGH keeps the GPU busy with what its workers bring; LOW has one quantum there and the next at
// hand.
constexpr std::array<size_t, lane_count> slots_of_lane{4, 2};

class CudaWorkspace final : public Workspace {
 public:
  explicit CudaWorkspace(Lane of) : lane(of) {}
  size_t bytes() const override { return sizeof(*this); }
  Nanoseconds device_time() const override { return took; }

  const Lane lane;
  Nanoseconds took = 0;
};

// Up to here the work of a small model is bounded by the launches of its kernels.
constexpr uint32_t tokens_enough = 256;

// Open for as long as it lives.
class OpenDevice {
 public:
  static Result<OpenDevice> open(const CudaDriver& driver) {
    CudaDevice about{};
    if (const int error = driver.open(&about); error != 0)
      return Error{fmt::format("there is no GPU to compute on: {} (error {})",
                               driver.error_text(error), error)};
    return OpenDevice{driver, about};
  }
  OpenDevice(OpenDevice&& other) noexcept
      : driver_(std::exchange(other.driver_, nullptr)), about_(other.about_) {}
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;
  OpenDevice& operator=(OpenDevice&&) = delete;
  ~OpenDevice() {
    if (driver_ != nullptr) driver_->close();
  }
  const CudaDevice& about() const { return about_; }

 private:
  OpenDevice(const CudaDriver& driver, const CudaDevice& about) : driver_(&driver), about_(about) {}
  const CudaDriver* driver_;
  CudaDevice about_;
};

Status check_memory(const CudaDevice& device, uint64_t model_bytes, uint64_t lanes_bytes) {
  const uint64_t needed = model_bytes + lanes_bytes;
  if (needed <= device.bytes_free) return {};
  return Error{fmt::format(
      "the GPU {} has {} MiB free, and the model takes {} MiB and the lanes {} MiB: {} MiB are "
      "missing; use a smaller model, or free the GPU",
      device.name, device.bytes_free / mebibyte, model_bytes / mebibyte, lanes_bytes / mebibyte,
      (needed - device.bytes_free + mebibyte - 1) / mebibyte)};
}

class CudaBackend final : public Backend {
 public:
  CudaBackend(const CudaDriver& driver, OpenDevice device, const ModelHeader& header,
              const CudaBackendOptions& options)
      : driver_(driver),
        device_(std::move(device)),
        header_(header),
        quantum_{.tokens = options.quantum_tokens, .texts = options.quantum_texts},
        buckets_(cuda_buckets(std::max(quantum_.tokens, header.encoder.text_tokens_max()),
                              quantum_.texts)),
        gate_(options.low_share) {}

  Status load(const Model& model, CudaFormat format) {
    const LaneTensors tensors(header_, buckets_.back());
    if (Status fits =
            check_memory(device_.about(), device_model_bytes(model), lane_count * tensors.bytes);
        !fits)
      return fits;
    auto uploaded = upload_model(driver_, model, format);
    if (!uploaded) return uploaded.error();
    model_ = *std::move(uploaded);
    auto gemms = make_layer_gemms(driver_, header_.encoder, format, buckets_.back().tokens);
    if (!gemms) return gemms.error();
    gemms_ = *std::move(gemms);
    for (const Lane lane : {Lane::high, Lane::low})
      if (Status made = make_lane(lane); !made) return made;
    return {};
  }

  uint32_t dims() const override { return header_.dims(); }
  uint32_t vocabulary() const override { return header_.encoder.vocabulary; }
  uint32_t token_types() const override { return header_.encoder.token_types; }
  std::string describe() const override {
    return fmt::format("cuda {} ({})", model_.format == cuda_bf16 ? "bf16" : "fp16",
                       device_.about().name);
  }
  size_t bytes() const override {
    size_t total = model_.bytes;
    for (const auto& lane : lanes_) total += lane->bytes();
    for (const auto& staging : staging_) total += staging->bytes();
    return total;
  }

  std::unique_ptr<Workspace> make_workspace(uint32_t, uint32_t, Lane lane) const override {
    return std::make_unique<CudaWorkspace>(lane);
  }

  std::optional<Device> device() const override {
    return Device{.name = device_.about().name,
                  .tokens_max = quantum_.tokens,
                  .tokens_enough = std::min(tokens_enough, quantum_.tokens),
                  .texts_max = quantum_.texts};
  }
  void expect_high(bool any) const override {
    if (high_expected_.exchange(any) == any) return;
    if (any)
      gate_.high_comes();
    else
      gate_.high_goes(0);
  }

  bool run(const TokenBatch& batch, Workspace& workspace, const YieldGate& gate,
           std::span<float* const> vectors) const override {
    auto& own = static_cast<CudaWorkspace&>(workspace);
    own.took = 0;
    for (size_t first = 0; first < batch.texts();) {
      if (!gate.pass()) return false;
      const TextRange range = next_quantum(batch.sequence_start, first, buckets_.back());
      if (!run_quantum(batch, range, own, vectors)) return false;
      first = range.end;
    }
    return true;
  }

 private:
  Status make_lane(Lane lane) {
    const CudaDevice& about = device_.about();
    const bool high = lane == Lane::high;
    const EncoderOnDevice encoder{driver_, header_, model_, gemms_};
    auto made =
        CudaLane::make(encoder, high ? about.priority_greatest : about.priority_least, buckets_);
    if (!made) return made.error();
    lanes_[lane_index(lane)] = *std::move(made);
    const CudaBucket& largest = buckets_.back();
    auto staging =
        Staging::make(driver_,
                      {.slots = slots_of_lane[lane_index(lane)],
                       .in_bytes = BatchLayout(largest).bytes,
                       .out_bytes = uint64_t{largest.texts} * header_.dims() * sizeof(float)},
                      /*sleeps=*/!high);
    if (!staging) return staging.error();
    staging_[lane_index(lane)] = *std::move(staging);
    return {};
  }

  bool run_quantum(const TokenBatch& batch, TextRange range, CudaWorkspace& workspace,
                   std::span<float* const> vectors) const {
    if (failed_.load(std::memory_order_relaxed)) return false;
    const Lane lane = workspace.lane;
    const uint32_t tokens = batch.sequence_start[range.end] - batch.sequence_start[range.first];
    if (lane == Lane::high) gate_.high_comes();
    Staging& staging = *staging_[lane_index(lane)];
    StagingSlot& slot = staging.take();
    const size_t bucket = lanes_[lane_index(lane)]->bucket_for(
        tokens, static_cast<uint32_t>(range.end - range.first));
    write_batch(batch, range, header_.encoder, lanes_[lane_index(lane)]->layout(bucket),
                slot.batch());
    if (lane == Lane::low) gate_.low_comes(tokens);
    const Instant queued = monotonic_now();
    const int error = compute(slot, bucket, range, lane);
    const Nanoseconds took = lane_was_at(lane, queued);
    workspace.took += took;
    if (lane == Lane::low)
      gate_.low_ends(tokens, took);
    else
      gate_.high_goes(tokens);
    for (size_t text = range.first; text < range.end; ++text)
      std::copy_n(slot.vectors() + (text - range.first) * dims(), dims(), vectors[text]);
    staging.give_back(slot);
    return error == 0 || tell_failure(error);
  }

  // How long the lane has been at a batch that is done: from when it was queued or, if that is
  // later, the one before it was done.
  Nanoseconds lane_was_at(Lane lane, Instant queued) const {
    const Instant now = monotonic_now();
    const Instant before{free_since_[lane_index(lane)].exchange(now.ns)};
    return now - std::max(queued, std::min(before, now));
  }

  // Returns when the vectors are in the slot.
  int compute(const StagingSlot& slot, size_t bucket, TextRange range, Lane lane) const {
    CudaLane& computing = *lanes_[lane_index(lane)];
    int error = computing.queue({.bucket = bucket,
                                 .in = slot.in.get(),
                                 .out = slot.out.get(),
                                 .out_bytes = (range.end - range.first) * dims() * sizeof(float),
                                 .done = slot.done.get()});
    if (error == 0) error = driver_.wait(slot.done.get());
    if (error != 0) computing.settle();
    return error;
  }

  // An error of the device stays: nothing can be computed any more in this process. Told once.
  bool tell_failure(int error) const {
    if (!failed_.exchange(true))
      log_error(
          cuda_error(driver_, "compute any more, and texts fail until hilo is restarted", error)
              .message);
    return false;
  }

  const CudaDriver& driver_;
  const OpenDevice device_;
  const ModelHeader header_;
  const CudaBucket quantum_;
  const std::vector<CudaBucket> buckets_;
  DeviceModel model_;
  LayerGemms gemms_;
  std::array<std::unique_ptr<CudaLane>, lane_count> lanes_;
  std::array<std::unique_ptr<Staging>, lane_count> staging_;
  mutable QuantumGate gate_;
  mutable std::atomic<bool> high_expected_{false};
  mutable std::array<std::atomic<Nanoseconds>, lane_count> free_since_{};
  mutable std::atomic<bool> failed_{false};
};

Status check_version(const CudaDriver& driver) {
  if (driver.version == cuda_driver_version) return {};
  return Error{
      fmt::format("libhilo_cuda.so has version {} of its table, and hilo needs {}: "
                  "install both from one build",
                  driver.version, +cuda_driver_version)};
}

}  // namespace

// CUDA begins threads of its own wherever it likes, in the three calls below.

Result<const CudaDriver*> load_cuda_driver() {
  const NoSignals no_signals;
  auto function = load_plugin({.file = "libhilo_cuda.so",
                               .path_variable = "HILO_CUDA_PLUGIN",
                               .function = "hilo_cuda_driver"});
  if (!function) return function.error();
  const CudaDriver* const driver = reinterpret_cast<decltype(&hilo_cuda_driver)>(*function)();
  if (Status version = check_version(*driver); !version) return version.error();
  return driver;
}

Result<std::string> describe_cuda_device(const CudaDriver& driver) {
  const NoSignals no_signals;
  const auto device = OpenDevice::open(driver);
  if (!device) return device.error();
  const CudaDevice& about = device->about();
  return fmt::format("{}, {} of {} MiB free", about.name, about.bytes_free / mebibyte,
                     about.bytes_total / mebibyte);
}

Result<std::unique_ptr<Backend>> make_cuda_backend(const CudaDriver& driver, const Model& model,
                                                   const CudaBackendOptions& options) {
  const NoSignals no_signals;
  if (Status version = check_version(driver); !version) return version.error();
  if (Status shape = check_shape(model.header.encoder); !shape) return shape.error();
  auto device = OpenDevice::open(driver);
  if (!device) return device.error();
  auto backend = std::make_unique<CudaBackend>(driver, *std::move(device), model.header, options);
  if (Status loaded = backend->load(model, options.format); !loaded) return loaded.error();
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace hilo
