#include "backend/cuda/cuda_backend.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "backend/cuda/batch_layout.h"
#include "backend/cuda/cuda_lane.h"
#include "backend/cuda/device_model.h"
#include "backend/cuda/open_device.h"
#include "backend/cuda/quantum_runner.h"
#include "backend/plugin.h"
#include "base/clock.h"
#include "base/no_signals.h"

namespace hilo {
namespace {

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

// Some texts of a batch on their way through a lane.
class PackedWork final : public QuantumWork {
 public:
  struct Parts {
    const TokenBatch& batch;
    TextRange range;
    size_t bucket;
    std::span<float* const> vectors;
  };
  PackedWork(const CudaDriver& driver, const ModelHeader& header, CudaLane& lane,
             const Parts& parts)
      : driver_(driver), header_(header), lane_(lane), parts_(parts) {}

  void write(std::byte* memory) const override {
    write_batch(parts_.batch, parts_.range, header_.encoder, lane_.layout(parts_.bucket), memory);
  }
  Status queue(const StagingSlot& slot) override {
    const size_t texts = parts_.range.end - parts_.range.first;
    const int error = lane_.queue({.bucket = parts_.bucket,
                                   .in = slot.in.get(),
                                   .out = slot.out.get(),
                                   .out_bytes = texts * header_.dims() * sizeof(float),
                                   .done = slot.done.get()});
    return error == 0 ? Status{} : Status{cuda_error(driver_, "take a batch", error)};
  }
  void settle() override { lane_.settle(); }
  void read(const float* vectors) const override {
    const uint32_t dims = header_.dims();
    for (size_t text = parts_.range.first; text < parts_.range.end; ++text, vectors += dims)
      std::copy_n(vectors, dims, parts_.vectors[text]);
  }

 private:
  const CudaDriver& driver_;
  const ModelHeader& header_;
  CudaLane& lane_;
  const Parts parts_;
};

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
        quanta_(driver, options.low_share) {}

  Status load(const Model& model, CudaFormat format) {
    const LaneTensors tensors(header_, buckets_.back());
    if (Status fits = device_.check_memory(device_model_bytes(model), lane_count * tensors.bytes);
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
    size_t total = model_.bytes + quanta_.bytes();
    for (const auto& lane : lanes_) total += lane->bytes();
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
  void expect_high(bool any) const override { quanta_.expect_high(any); }

  bool run(const TokenBatch& batch, Workspace& workspace, const YieldGate& gate,
           std::span<float* const> vectors) const override {
    auto& own = static_cast<CudaWorkspace&>(workspace);
    own.took = 0;
    CudaLane& lane = *lanes_[lane_index(own.lane)];
    for (size_t first = 0; first < batch.texts();) {
      if (!gate.pass()) return false;
      const TextRange range = next_quantum(batch.sequence_start, first, buckets_.back());
      const uint32_t tokens = batch.sequence_start[range.end] - batch.sequence_start[range.first];
      const size_t bucket = lane.bucket_for(tokens, static_cast<uint32_t>(range.end - range.first));
      PackedWork work{driver_,
                      header_,
                      lane,
                      {.batch = batch, .range = range, .bucket = bucket, .vectors = vectors}};
      if (!quanta_.run(own.lane, tokens, work, own.took)) return false;
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
    return quanta_.make_staging(lane, BatchLayout(largest).bytes,
                                uint64_t{largest.texts} * header_.dims() * sizeof(float));
  }

  const CudaDriver& driver_;
  const OpenDevice device_;
  const ModelHeader header_;
  const CudaBucket quantum_;
  const std::vector<CudaBucket> buckets_;
  DeviceModel model_;
  LayerGemms gemms_;
  std::array<std::unique_ptr<CudaLane>, lane_count> lanes_;
  mutable QuantumRunner quanta_;
};

Status check_version(const CudaDriver& driver) {
  return check_table_version("libhilo_cuda.so", driver.version, cuda_driver_version);
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
  return device->describe();
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
