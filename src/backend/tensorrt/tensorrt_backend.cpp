#include "backend/tensorrt/tensorrt_backend.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "backend/cpu/pooling.h"
#include "backend/cpu/score_head.h"
#include "backend/cuda/open_device.h"
#include "backend/cuda/quantum_runner.h"
#include "backend/plugin.h"
#include "backend/tensorrt/engine_layout.h"
#include "backend/tensorrt/padded_batch.h"
#include "backend/tensorrt/tensorrt_lane.h"
#include "base/no_signals.h"
#include "model/digest.h"
#include "model/model_file.h"

namespace hilo {
namespace {

// Ids travel in 16 bits.
constexpr uint32_t vocabulary_max = 65'536;
// Up to here the work of a small model is bounded by the launches of its kernels.
constexpr uint32_t tensorrt_tokens_enough = 256;

class TensorRtWorkspace final : public Workspace {
 public:
  TensorRtWorkspace(Lane of, uint32_t texts_max) : lane(of) { order.reserve(texts_max); }
  size_t bytes() const override { return sizeof(*this) + order.capacity() * sizeof(uint32_t); }
  Nanoseconds device_time() const override { return took; }

  const Lane lane;
  std::vector<uint32_t> order;  // of the texts, shortest first
  Nanoseconds took = 0;
};

// The runtime of the library, open for as long as it lives.
class OpenRuntime {
 public:
  static Result<OpenRuntime> open(const TensorRtShim& shim) {
    if (shim.open() != 0) return tensorrt_error(shim, "begin");
    return OpenRuntime{shim};
  }
  OpenRuntime(OpenRuntime&& other) noexcept : shim_(std::exchange(other.shim_, nullptr)) {}
  OpenRuntime(const OpenRuntime&) = delete;
  OpenRuntime& operator=(const OpenRuntime&) = delete;
  OpenRuntime& operator=(OpenRuntime&&) = delete;
  ~OpenRuntime() {
    if (shim_ != nullptr) shim_->close();
  }

 private:
  explicit OpenRuntime(const TensorRtShim& shim) : shim_(&shim) {}
  const TensorRtShim* shim_;
};

// A table of texts on its way through a lane.
class TableWork final : public QuantumWork {
 public:
  struct Parts {
    const TokenBatch& batch;
    std::span<const uint32_t> texts;
    TensorRtShape shape;
    std::span<float* const> vectors;
  };
  TableWork(const ModelHeader& header, uint32_t padding_id, TensorRtLane& lane, const Parts& parts)
      : header_(header), padding_id_(padding_id), lane_(lane), parts_(parts) {}

  void write(std::byte* memory) const override {
    write_tables(parts_.batch, parts_.texts, parts_.shape, padding_id_, memory);
  }
  Status queue(const StagingSlot& slot) override {
    return lane_.queue({.shape = parts_.shape,
                        .in = slot.in.get(),
                        .out = slot.out.get(),
                        .done = slot.done.get()});
  }
  void settle() override { lane_.settle(); }

  // The engine leaves what a text may want raw as it is.
  void read(const float* results) const override {
    const uint32_t dims = header_.dims();
    for (const uint32_t text : parts_.texts) {
      float* const vector = parts_.vectors[text];
      std::copy_n(results, dims, vector);
      results += dims;
      const bool raw = !parts_.batch.raw.empty() && parts_.batch.raw[text] != 0;
      if (!raw && header_.score) *vector = score_of_logit(*header_.score, *vector);
      if (!raw && !header_.score && header_.normalize) scale_to_unit_length(vector, dims);
    }
  }

 private:
  const ModelHeader& header_;
  const uint32_t padding_id_;
  TensorRtLane& lane_;
  const Parts parts_;
};

class TensorRtBackend final : public Backend {
 public:
  TensorRtBackend(const TensorRtSource& source, OpenDevice device, OpenRuntime runtime,
                  const TensorRtBackendOptions& options)
      : shim_(source.shim),
        driver_(source.driver),
        header_(source.header),
        padding_id_(source.prepared.padding_id),
        about_engine_(
            fmt::format("{} {}", source.prepared.engine->version, source.prepared.graph.precision)),
        quantum_tokens_(options.quantum_tokens),
        device_(std::move(device)),
        runtime_(std::move(runtime)),
        quanta_(source.driver, options.low_share) {}

  Status load(std::span<const std::byte> content) {
    TensorRtEngine* engine = nullptr;
    if (shim_.load(content.data(), content.size(), &engine) != 0)
      return tensorrt_error(shim_,
                            "load the engine, which is for another GPU or version unless it "
                            "was built here");
    engine_ = EngineHandle{shim_, engine};
    engine_bytes_ = content.size();
    auto layout = read_engine_layout(shim_, engine_, header_);
    if (!layout) return layout.error();
    layout_ = *std::move(layout);
    if (Status fits = check_memory(); !fits) return fits;
    for (const Lane lane : {Lane::high, Lane::low})
      if (Status made = make_lane(lane); !made) return made;
    return {};
  }

  uint32_t dims() const override { return header_.dims(); }
  uint32_t vocabulary() const override { return header_.encoder.vocabulary; }
  uint32_t token_types() const override { return header_.encoder.token_types; }
  std::string describe() const override {
    return fmt::format("tensorrt {} ({})", about_engine_, device_.about().name);
  }
  size_t bytes() const override {
    size_t total = engine_bytes_ + quanta_.bytes();
    for (const auto& lane : lanes_) total += lane->bytes();
    return total;
  }

  std::optional<Device> device() const override {
    return Device{.name = device_.about().name,
                  .tokens_max = quantum_tokens_,
                  .tokens_enough = std::min(tensorrt_tokens_enough, quantum_tokens_),
                  .texts_max = layout_.profiles[lane_index(Lane::low)].max.texts};
  }
  void expect_high(bool any) const override { quanta_.expect_high(any); }

  std::unique_ptr<Workspace> make_workspace(uint32_t, uint32_t texts_max,
                                            Lane lane) const override {
    return std::make_unique<TensorRtWorkspace>(lane, texts_max);
  }

  bool run(const TokenBatch& batch, Workspace& workspace, const YieldGate& gate,
           std::span<float* const> vectors) const override {
    auto& own = static_cast<TensorRtWorkspace&>(workspace);
    own.took = 0;
    order_by_length(batch.sequence_start, own.order);
    TensorRtLane& lane = *lanes_[lane_index(own.lane)];
    std::span<const uint32_t> left = own.order;
    while (!left.empty()) {
      if (!gate.pass()) return false;
      const TensorRtShape shape = next_table(batch.sequence_start, left, limits(own.lane));
      TableWork work{
          header_,
          padding_id_,
          lane,
          {.batch = batch, .texts = left.first(shape.texts), .shape = shape, .vectors = vectors}};
      if (!quanta_.run(own.lane, shape.texts * shape.tokens, work, own.took)) return false;
      left = left.subspan(shape.texts);
    }
    return true;
  }

 private:
  PaddedLimits limits(Lane lane) const {
    return {.max = layout_.profiles[lane_index(lane)].max, .cells = quantum_tokens_};
  }
  LoadedEngine loaded() const { return {shim_, driver_, header_, engine_, layout_}; }

  Status check_memory() const {
    uint64_t lanes_bytes = 0;
    for (const Lane lane : {Lane::high, Lane::low})
      lanes_bytes += TensorRtTensors(layout_, header_, layout_.profiles[lane_index(lane)],
                                     limits(lane).cells_max())
                         .bytes;
    return device_.check_memory(/*model_bytes=*/0, lanes_bytes);
  }

  Status make_lane(Lane lane) {
    const size_t index = lane_index(lane);
    const CudaDevice& about = device_.about();
    const uint32_t cells = limits(lane).cells_max();
    auto made = TensorRtLane::make(
        loaded(), static_cast<uint32_t>(index),
        lane == Lane::high ? about.priority_greatest : about.priority_least, cells);
    if (!made) return made.error();
    lanes_[index] = *std::move(made);
    return quanta_.make_staging(
        lane, PaddedLayout(cells).bytes,
        uint64_t{layout_.profiles[index].max.texts} * header_.dims() * sizeof(float));
  }

  const TensorRtShim& shim_;
  const CudaDriver& driver_;
  const ModelHeader header_;
  const uint32_t padding_id_;
  const std::string about_engine_;
  const uint32_t quantum_tokens_;
  const OpenDevice device_;
  const OpenRuntime runtime_;
  EngineHandle engine_;
  size_t engine_bytes_ = 0;
  EngineLayout layout_;
  std::array<std::unique_ptr<TensorRtLane>, lane_count> lanes_;
  mutable QuantumRunner quanta_;
};

// That an engine's weights are this model's, and that its ids are this tokenizer's. Models that
// were trained on from one have its shape, so only digests tell.
Status check_sources(const ModelHeader& header, const PreparedModel& prepared) {
  const auto differs = [&](const std::string& name) {
    return Error{fmt::format("{} was not prepared from {}: their {} differs; prepare it again",
                             prepared.directory.string(), header.directory.string(), name)};
  };
  if (!prepared.sources.contains("config.json")) return differs("config.json");
  for (const auto& [name, digest] : prepared.sources) {
    const std::filesystem::path path = header.directory / name;
    // A model may lie here without what hilo does not read; what it needs was missed before.
    std::error_code failed;
    const uintmax_t bytes = std::filesystem::file_size(path, failed);
    if (failed || bytes == 0) continue;
    const auto file = MappedFile::map(path);
    if (!file) return file.error();
    if (sha256(file->bytes()) != digest) return differs(name);
  }
  return {};
}

// That the folder was made of this model, and for what lanes can carry.
Status check_model(const ModelHeader& header, const PreparedModel& prepared) {
  if (Status sources = check_sources(header, prepared); !sources) return sources;
  if (prepared.dims != header.dims() || prepared.cross_encoder != header.score.has_value() ||
      prepared.vocabulary != header.encoder.vocabulary)
    return Error{fmt::format("{} is of a model of another shape than {}; prepare it again",
                             prepared.directory.string(), header.directory.string())};
  // Told in a file of its own, and a part of the graph.
  if (!prepared.cross_encoder && prepared.pooling != pooling_name(header.pooling))
    return Error{fmt::format("{} pools by {}, and {} by {}; prepare it again",
                             prepared.directory.string(), prepared.pooling,
                             header.directory.string(), pooling_name(header.pooling))};
  if (header.encoder.vocabulary > vocabulary_max)
    return Error{
        fmt::format("{}: its vocabulary has {} ids, and engines of TensorRT are given ids "
                    "below {}: use --backend cuda or cpu",
                    header.name, header.encoder.vocabulary, vocabulary_max)};
  return {};
}

Status check_version(const TensorRtShim& shim) {
  return check_table_version("libhilo_tensorrt.so", shim.version, tensorrt_shim_version);
}

Status check_engine(const PreparedModel& prepared) {
  if (prepared.engine && !prepared.engine->stands_in) return {};
  return Error{fmt::format("{} has no engine of TensorRT: run `hilo model build` on it here",
                           prepared.directory.string())};
}

}  // namespace

Result<const TensorRtShim*> load_tensorrt_shim(const PreparedModel& prepared) {
  if (Status engine = check_engine(prepared); !engine) return engine.error();
  const std::string& version = prepared.engine->version;
  const std::string major = version.substr(0, version.find('.'));
  if (major.empty() || major.find_first_not_of("0123456789") != std::string::npos)
    return Error{fmt::format("{} names no version of TensorRT: prepare the model again",
                             prepared.directory.string())};
  const std::string file = "libhilo_tensorrt.so." + major;
  const NoSignals no_signals;
  auto function = load_plugin({.file = file.c_str(),
                               .path_variable = "HILO_TENSORRT_PLUGIN",
                               .function = "hilo_tensorrt_shim"});
  if (!function) return function.error();
  const TensorRtShim* const shim = reinterpret_cast<decltype(&hilo_tensorrt_shim)>(*function)();
  if (Status right = check_version(*shim); !right) return right.error();
  return shim;
}

Result<std::unique_ptr<Backend>> make_tensorrt_backend(const TensorRtSource& source,
                                                       const TensorRtBackendOptions& options) {
  if (Status right = check_version(source.shim); !right) return right.error();
  if (Status engine = check_engine(source.prepared); !engine) return engine.error();
  if (Status model = check_model(source.header, source.prepared); !model) return model.error();
  // CUDA and TensorRT make threads of their own.
  const NoSignals no_signals;
  auto device = OpenDevice::open(source.driver);
  if (!device) return device.error();
  auto runtime = OpenRuntime::open(source.shim);
  if (!runtime) return runtime.error();
  auto backend =
      std::make_unique<TensorRtBackend>(source, *std::move(device), *std::move(runtime), options);
  if (Status loaded = backend->load(source.engine); !loaded) return loaded.error();
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace hilo
