// Where the GPU's time goes: the encoder's work with all but one kind of kernel left out. The kinds
// together should take what everything takes.
#include <algorithm>
#include <random>

#include "backend/cuda/batch_layout.h"
#include "backend/cuda/cuda_lane.h"
#include "backend/cuda/device/device_test_support.h"
#include "backend/cuda/encoder_work.h"
#include "gpu/gpu_bench.h"
#include "gpu/timed_graph.h"
#include "support/report.h"

namespace hilo {
namespace {

constexpr uint32_t tokens_of_text = 128;

// ---- A table in which only some functions do anything

template <class Arguments>
int leave_out(const Arguments*, CudaStream*) {
  return 0;
}
int leave_out_product(const CudaGemm*, const CudaProduct*, CudaStream*) { return 0; }

// What the function below compares with: a table's functions know nothing but their arguments.
const CudaDriver* whole_driver = nullptr;
const CudaGemm* only_gemm = nullptr;
int only_that_product(const CudaGemm* gemm, const CudaProduct* product, CudaStream* stream) {
  return gemm == only_gemm ? whole_driver->multiply(gemm, product, stream) : 0;
}

CudaDriver without_work(const CudaDriver& whole) {
  CudaDriver driver = whole;
  driver.multiply = leave_out_product;
  driver.embed = leave_out<CudaEmbed>;
  driver.add_norm = leave_out<CudaAddNorm>;
  driver.gelu = leave_out<CudaGelu>;
  driver.attend = leave_out<CudaAttention>;
  driver.pool = leave_out<CudaPool>;
  driver.score = leave_out<CudaScore>;
  return driver;
}

struct Phase {
  const char* name;
  CudaDriver driver;
  const CudaGemm* gemm = nullptr;
};

Phase phase_of_gemm(const char* name, const CudaDriver& whole, const GemmHandle& gemm) {
  Phase phase{.name = name, .driver = without_work(whole), .gemm = gemm.get()};
  phase.driver.multiply = only_that_product;
  return phase;
}

template <class Function>
Phase phase_of_kernel(const char* name, const CudaDriver& whole, Function CudaDriver::*function) {
  Phase phase{.name = name, .driver = without_work(whole)};
  phase.driver.*function = whole.*function;
  return phase;
}

std::vector<Phase> phases_of(const CudaDriver& whole, const LayerGemms& gemms) {
  return {{.name = "everything", .driver = whole},
          phase_of_gemm("query_key_value", whole, gemms.query_key_value),
          phase_of_gemm("attention_output", whole, gemms.attention_output),
          phase_of_gemm("intermediate", whole, gemms.intermediate),
          phase_of_gemm("output", whole, gemms.output),
          phase_of_kernel("attend", whole, &CudaDriver::attend),
          phase_of_kernel("gelu", whole, &CudaDriver::gelu),
          phase_of_kernel("add_norm", whole, &CudaDriver::add_norm),
          phase_of_kernel("embed", whole, &CudaDriver::embed),
          phase_of_kernel("pool", whole, &CudaDriver::pool)};
}

// ---- Time

// One bucket, full of texts of one length.
class FullBucket {
 public:
  FullBucket(const OpenedDevice& device, const Model& model, const DeviceModel& weights,
             const LayerGemms& gemms, uint32_t tokens)
      : device_(device),
        header_(model.header),
        weights_(weights),
        gemms_(gemms),
        bucket_{.tokens = tokens, .texts = tokens / std::min(tokens, tokens_of_text)},
        tensors_(model.header, bucket_),
        memory_(device.allocate(tensors_.bytes)) {
    write();
  }

  // Of one time through the encoder.
  double microseconds(const Phase& phase, double seconds) const {
    whole_driver = &device_.driver();
    only_gemm = phase.gemm;
    const EncoderOnDevice encoder{phase.driver, header_, weights_, gemms_};
    return microseconds_of(device_, seconds, [&] {
      return queue_encoder(encoder, tensors_, bucket_, memory(), device_.stream());
    });
  }

 private:
  std::byte* memory() const { return static_cast<std::byte*>(memory_.get()); }

  void write() const {
    const uint32_t length = bucket_.tokens / bucket_.texts;
    std::mt19937 random{1};
    std::vector<uint32_t> ids(bucket_.tokens);
    for (uint32_t& id : ids) id = static_cast<uint32_t>(random() % header_.encoder.vocabulary);
    std::vector<uint32_t> starts;
    for (uint32_t start = 0; start <= bucket_.tokens; start += length) starts.push_back(start);
    const BatchLayout layout(bucket_);
    std::vector<std::byte> in(layout.bytes);
    write_batch({.ids = ids, .types = {}, .sequence_start = starts}, {0, bucket_.texts},
                header_.encoder, layout, in.data());
    device_.write(memory() + tensors_.batch, in);
  }

  const OpenedDevice& device_;
  const ModelHeader& header_;
  const DeviceModel& weights_;
  const LayerGemms& gemms_;
  const CudaBucket bucket_;
  const LaneTensors tensors_;
  const DeviceMemory memory_;
};

// Of all products, for one token.
double flops_of_products(const EncoderConfig& config) {
  const double hidden = config.hidden;
  return 2.0 * config.layers * (4.0 * hidden * hidden + 2.0 * hidden * config.intermediate);
}

nlohmann::json measure_bucket(const GpuBenchRun& run, const FullBucket& bucket,
                              const std::vector<Phase>& phases, uint32_t tokens) {
  nlohmann::json times = nlohmann::json::object();
  double parts = 0.0;
  double products = 0.0;
  for (const Phase& phase : phases) {
    const double us = bucket.microseconds(phase, run.options.seconds / 10);
    times[phase.name] = us;
    if (&phase != &phases.front()) parts += us;
    if (phase.gemm != nullptr) products += us;
  }
  const double everything = times["everything"];
  const double tflops = flops_of_products(run.model.header.encoder) * tokens / products / 1e6;
  print_line(
      "{:>8} {:9.1f} {:9.1f}   products {:4.0f} % ({:.0f} TFLOP/s)  attend {:4.0f} %  "
      "gelu {:4.0f} %  add_norm {:4.0f} %",
      tokens, everything, parts, 100.0 * products / parts, tflops,
      100.0 * times["attend"].get<double>() / parts, 100.0 * times["gelu"].get<double>() / parts,
      100.0 * times["add_norm"].get<double>() / parts);
  return {{"rows", tokens},
          {"tokens_of_text", std::min(tokens, tokens_of_text)},
          {"microseconds", times},
          {"parts_us", parts},
          {"tflops_of_products", tflops}};
}

}  // namespace

Result<nlohmann::json> measure_phases(const GpuBenchRun& run) {
  nlohmann::json rows = nlohmann::json::array();
  const OpenedDevice device(run.driver);
  const auto weights = upload_model(run.driver, run.model, run.format);
  if (!weights) return weights.error();
  print_line("{:>8} {:>9} {:>9}", "rows", "all us", "parts us");
  for (const uint32_t rows_max : run.options.quanta) {
    const auto gemms = make_layer_gemms(run.driver, run.model.header.encoder, run.format, rows_max);
    if (!gemms) return gemms.error();
    const std::vector<Phase> phases = phases_of(run.driver, *gemms);
    // The smallest bucket as well, computed as the largest's algorithms do.
    for (const uint32_t tokens : {32U, rows_max}) {
      if (tokens == 32 && rows_max != run.options.quanta.front()) continue;
      const FullBucket bucket(device, run.model, *weights, *gemms, tokens);
      rows.push_back(measure_bucket(run, bucket, phases, tokens));
    }
  }
  return rows;
}

}  // namespace hilo
