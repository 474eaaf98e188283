// What it costs that a product of any number of rows is computed by the algorithm that was chosen
// for the largest: each bucket's products by that one and by the one that would be chosen for the
// bucket alone, and whether the two give the same bits.
#include <cmath>
#include <random>

#include "backend/cpu/bf16.h"
#include "backend/cuda/batch_layout.h"
#include "backend/cuda/device/device_test_support.h"
#include "backend/cuda/fp16.h"
#include "gpu/gpu_bench.h"
#include "gpu/timed_graph.h"
#include "support/report.h"

namespace hilo {
namespace {

// One kind of product of the model, with numbers to compute on.
class ProductUnderTest {
 public:
  ProductUnderTest(const OpenedDevice& device, const CudaGemmShape& shape)
      : device_(device),
        shape_(shape),
        rows_(random(uint64_t{shape.rows_max} * shape.depth, 1.0F)),
        weights_(random(uint64_t{shape.columns} * shape.depth,
                        1.0F / std::sqrt(static_cast<float>(shape.depth)))),
        out_(device.allocate(out_bytes(shape.rows_max))),
        workspace_(device.allocate(cuda_gemm_workspace_bytes)) {}

  GemmHandle gemm_for(uint32_t rows_max) const {
    CudaGemmShape shape = shape_;
    shape.rows_max = rows_max;
    return *make_handle<GemmHandle>(
        device_.driver(), "choose how to multiply",
        [&](CudaGemm** made) { return device_.driver().make_gemm(&shape, made); });
  }
  double microseconds(const GemmHandle& gemm, uint32_t rows, double seconds) const {
    return microseconds_of(device_, seconds, [&] { return queue(gemm, rows); });
  }
  std::vector<std::byte> result(const GemmHandle& gemm, uint32_t rows) const {
    device_.must(queue(gemm, rows));
    device_.synchronize();
    std::vector<std::byte> out(out_bytes(rows));
    device_.read(out, out_.get());
    return out;
  }

 private:
  uint64_t out_bytes(uint32_t rows) const {
    return uint64_t{rows} * shape_.columns * (shape_.out_is_fp32 != 0 ? 4 : 2);
  }
  DeviceMemory random(uint64_t count, float deviation) const {
    std::mt19937 generator{1};
    std::normal_distribution<float> distribution{0.0F, deviation};
    std::vector<uint16_t> numbers(count);
    for (uint16_t& number : numbers) {
      const float wide = distribution(generator);
      number = shape_.format == cuda_bf16 ? bf16_of(wide) : fp16_of(wide);
    }
    DeviceMemory memory = device_.allocate(count * sizeof(uint16_t));
    device_.write(memory.get(), std::as_bytes(std::span{numbers}));
    return memory;
  }
  int queue(const GemmHandle& gemm, uint32_t rows) const {
    const CudaProduct product{.rows = static_cast<const uint16_t*>(rows_.get()),
                              .weights = static_cast<const uint16_t*>(weights_.get()),
                              .out = out_.get(),
                              .workspace = workspace_.get(),
                              .row_count = rows};
    return device_.driver().multiply(gemm.get(), &product, device_.stream());
  }

  const OpenedDevice& device_;
  const CudaGemmShape shape_;
  const DeviceMemory rows_, weights_, out_, workspace_;
};

}  // namespace

Result<nlohmann::json> measure_products(const GpuBenchRun& run) {
  nlohmann::json rows = nlohmann::json::array();
  const EncoderConfig& config = run.model.header.encoder;
  const OpenedDevice device(run.driver);
  struct Kind {
    const char* name;
    uint32_t columns;
    uint32_t depth;
    bool out_is_fp32;
  };
  const Kind kinds[] = {{"query_key_value", 3 * config.hidden, config.hidden, false},
                        {"attention_output", config.hidden, config.hidden, true},
                        {"intermediate", config.intermediate, config.hidden, false},
                        {"output", config.hidden, config.intermediate, true}};
  const uint32_t rows_max = std::min(run.options.quanta.back(), 2048U);
  print_line("{:>18} {:>6} {:>12} {:>8}   {}", "product", "rows", "largest's us", "own us", "bits");
  for (const Kind& kind : kinds) {
    const ProductUnderTest product(device, {.columns = kind.columns,
                                            .depth = kind.depth,
                                            .rows_max = rows_max,
                                            .out_is_fp32 = kind.out_is_fp32,
                                            .format = run.format});
    const GemmHandle largest = product.gemm_for(rows_max);
    for (const CudaBucket& bucket : cuda_buckets(rows_max, rows_max)) {
      const GemmHandle own = product.gemm_for(bucket.tokens);
      const double seconds = run.options.seconds / 100;
      const double largest_us = product.microseconds(largest, bucket.tokens, seconds);
      const double own_us = product.microseconds(own, bucket.tokens, seconds);
      const bool same =
          product.result(largest, bucket.tokens) == product.result(own, bucket.tokens);
      print_line("{:>18} {:>6} {:12.2f} {:8.2f}   {}", kind.name, bucket.tokens, largest_us, own_us,
                 same ? "the same" : "others");
      rows.push_back({{"product", kind.name},
                      {"rows", bucket.tokens},
                      {"largest_us", largest_us},
                      {"own_us", own_us},
                      {"same_bits", same}});
    }
  }
  return rows;
}

}  // namespace hilo
