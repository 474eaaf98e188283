// What products are tried on: device memory for one shape, full of random numbers, and a stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "backend/cuda/plugin/errors.h"

namespace {

class Scratch {
 public:
  explicit Scratch(const CudaGemmShape& shape) : shape_(shape) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    for (cudaEvent_t& event : events_) check(cudaEventCreate(&event));
    const std::vector<uint16_t> numbers = random_numbers();
    rows_ = filled(uint64_t{shape.rows_max} * shape.depth, numbers);
    weights_ = filled(uint64_t{shape.columns} * shape.depth, numbers);
    bias_ = filled(shape.columns, numbers);
    out_ = allocated(uint64_t{shape.rows_max} * out_row_bytes());
    workspace_ = allocated(cuda_gemm_workspace_bytes);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    for (void* memory : {rows_, weights_, bias_, out_, workspace_}) cudaFree(memory);
    for (cudaEvent_t event : events_)
      if (event != nullptr) cudaEventDestroy(event);
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
  }

  int error() const { return runtime(error_); }
  CudaProduct product(uint32_t row_count) const {
    return {.rows = static_cast<const uint16_t*>(rows_),
            .weights = static_cast<const uint16_t*>(weights_),
            .bias = shape_.adds_bias != 0 ? static_cast<const uint16_t*>(bias_) : nullptr,
            .out = out_,
            .workspace = workspace_,
            .row_count = row_count};
  }

  // What lies in the product's memory after `queue` has queued it.
  template <class Queue>
  int result_of(Queue queue, uint32_t row_count, std::vector<std::byte>& result) {
    if (const int error = queue(stream()); error != 0) return error;
    if (const cudaError_t error = cudaStreamSynchronize(stream_); error != cudaSuccess)
      return runtime(error);
    result.resize(row_count * out_row_bytes());
    return runtime(cudaMemcpy(result.data(), out_, result.size(), cudaMemcpyDeviceToHost));
  }

  // In ms, of what is queued several times in one graph, as it will be later: the least of a few,
  // since other work may share the device.
  template <class Queue>
  int time_of(Queue queue, float& time) {
    cudaGraphExec_t graph = nullptr;
    int error = record(queue, graph);
    time = std::numeric_limits<float>::infinity();
    for (uint32_t i = 0; error == 0 && i < launches; ++i) {
      float took = 0.0F;
      error = runtime(launch(graph, took));
      if (i > 0) time = std::min(time, took);  // The first one warms.
    }
    if (graph != nullptr) cudaGraphExecDestroy(graph);
    return error;
  }

 private:
  static constexpr uint32_t repeats = 16;
  static constexpr uint32_t launches = 4;
  // Prime, so that no two rows are the same.
  static constexpr size_t numbers_count = 1'000'003;

  void check(cudaError_t error) {
    if (error_ == cudaSuccess) error_ = error;
  }
  CudaStream* stream() const { return reinterpret_cast<CudaStream*>(stream_); }
  uint64_t out_row_bytes() const {
    return uint64_t{shape_.columns} * (shape_.out_is_fp32 != 0 ? 4 : 2);
  }

  // Between 1/128 and 1, of either sign: sums stay small and use all bits.
  std::vector<uint16_t> random_numbers() const {
    const uint32_t fraction_bits = shape_.format == cuda_bf16 ? 7 : 10;
    const uint32_t exponent_of_one = shape_.format == cuda_bf16 ? 127 : 15;
    std::vector<uint16_t> numbers(numbers_count);
    uint32_t state = 1;
    for (uint16_t& number : numbers) {
      state = state * 1664525U + 1013904223U;
      const uint32_t exponent = exponent_of_one - 1 - (state >> 8) % 7;
      const uint32_t fraction = (state >> 16) & ((1U << fraction_bits) - 1);
      number = static_cast<uint16_t>((state >> 31) << 15 | exponent << fraction_bits | fraction);
    }
    return numbers;
  }
  void* allocated(uint64_t bytes) {
    void* memory = nullptr;
    if (error_ == cudaSuccess) check(cudaMalloc(&memory, bytes));
    return memory;
  }
  void* filled(uint64_t count, const std::vector<uint16_t>& numbers) {
    auto* const memory = static_cast<uint16_t*>(allocated(count * sizeof(uint16_t)));
    for (uint64_t first = 0; error_ == cudaSuccess && first < count; first += numbers.size())
      check(cudaMemcpy(memory + first, numbers.data(),
                       std::min<uint64_t>(count - first, numbers.size()) * sizeof(uint16_t),
                       cudaMemcpyHostToDevice));
    return memory;
  }

  template <class Queue>
  int record(Queue queue, cudaGraphExec_t& graph) {
    cudaError_t error = cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal);
    if (error != cudaSuccess) return runtime(error);
    int queued = 0;
    for (uint32_t i = 0; queued == 0 && i < repeats; ++i) queued = queue(stream());
    cudaGraph_t recorded = nullptr;
    error = cudaStreamEndCapture(stream_, &recorded);
    if (queued == 0 && error == cudaSuccess) error = cudaGraphInstantiate(&graph, recorded, 0);
    if (recorded != nullptr) cudaGraphDestroy(recorded);
    return queued != 0 ? queued : runtime(error);
  }
  cudaError_t launch(cudaGraphExec_t graph, float& took) {
    cudaError_t error = cudaEventRecord(events_[0], stream_);
    if (error == cudaSuccess) error = cudaGraphLaunch(graph, stream_);
    if (error == cudaSuccess) error = cudaEventRecord(events_[1], stream_);
    if (error == cudaSuccess) error = cudaEventSynchronize(events_[1]);
    if (error == cudaSuccess) error = cudaEventElapsedTime(&took, events_[0], events_[1]);
    return error;
  }

  const CudaGemmShape shape_;
  cudaError_t error_ = cudaSuccess;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t events_[2] = {};
  void* rows_ = nullptr;
  void* weights_ = nullptr;
  void* bias_ = nullptr;
  void* out_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace
