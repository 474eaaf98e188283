// What the parts of hilo-bench-gpu share: their options, texts of one length, and LOW without end.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "backend/backend.h"
#include "backend/cuda/cuda_backend.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/model.h"

namespace hilo {

struct GpuBenchOptions {
  std::string model;
  std::string shape = "minilm";
  std::string json;
  std::vector<std::string> formats{"bf16", "fp16"};
  std::vector<std::string> parts{"throughput", "latency", "phases", "overhead"};
  std::vector<uint32_t> tokens{16, 32, 128, 256, 512};  // of a text
  std::vector<uint32_t> quanta{1024, 2048, 4096, 8192, 16384};
  std::vector<uint32_t> high_tokens{32, 128};
  double seconds = 0.3;        // for each rate
  uint32_t high_texts = 4000;  // for each latency
};

// What is measured on, and with what.
struct GpuBenchRun {
  const CudaDriver& driver;
  const Model& model;
  const GpuBenchOptions& options;
  CudaFormat format;

  Result<std::unique_ptr<Backend>> make_backend(uint32_t quantum, double low_share = 0.05) const {
    return make_cuda_backend(driver, model,
                             {.format = format,
                              .quantum_tokens = quantum,
                              .quantum_texts = std::max(1U, quantum / 16),
                              .low_share = low_share});
  }
};

// A batch that a thread computes again and again.
class TextsOfOneLength {
 public:
  TextsOfOneLength(const Backend& backend, Lane lane, uint32_t tokens, uint32_t texts)
      : backend_(backend), workspace_(backend.make_workspace(tokens * texts, texts, lane)) {
    std::mt19937 random{tokens};
    for (uint32_t text = 0; text < texts; ++text) {
      for (uint32_t i = 0; i < tokens; ++i)
        ids_.push_back(static_cast<uint32_t>(random() % backend.vocabulary()));
      starts_.push_back(static_cast<uint32_t>(ids_.size()));
    }
    vectors_.resize(size_t{texts} * backend.dims());
    for (uint32_t text = 0; text < texts; ++text)
      places_.push_back(vectors_.data() + size_t{text} * backend.dims());
  }
  size_t texts() const { return places_.size(); }
  bool run() {
    const YieldGate gate;
    return backend_.run({.ids = ids_, .types = {}, .sequence_start = starts_}, *workspace_, gate,
                        places_);
  }

 private:
  const Backend& backend_;
  const std::unique_ptr<Workspace> workspace_;
  std::vector<uint32_t> ids_;
  std::vector<uint32_t> starts_{0};
  std::vector<float> vectors_;
  std::vector<float*> places_;
};

// Threads that keep the LOW lane full, one quantum each, while it lives.
class LowLoad {
 public:
  LowLoad(const Backend& backend, uint32_t tokens, uint32_t quantum, size_t threads) {
    for (size_t i = 0; i < threads; ++i)
      threads_.emplace_back([this, &backend, tokens, quantum] {
        TextsOfOneLength batch(backend, Lane::low, tokens, std::max(1U, quantum / tokens));
        while (!ends_.load(std::memory_order_relaxed)) {
          if (!batch.run()) failed_ = true;
          texts_.fetch_add(batch.texts(), std::memory_order_relaxed);
        }
      });
  }
  LowLoad(const LowLoad&) = delete;
  LowLoad& operator=(const LowLoad&) = delete;
  ~LowLoad() { ends_ = true; }  // The threads are joined behind it.

  uint64_t texts() const { return texts_.load(std::memory_order_relaxed); }
  bool failed() const { return failed_; }

 private:
  std::atomic<bool> ends_{false};
  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> texts_{0};
  std::vector<std::jthread> threads_;
};

// Each gives one row for each thing it measured.
Result<nlohmann::json> measure_throughput(const GpuBenchRun& run);
Result<nlohmann::json> measure_latency(const GpuBenchRun& run);
Result<nlohmann::json> measure_phases(const GpuBenchRun& run);
Result<nlohmann::json> measure_overhead(const GpuBenchRun& run);

}  // namespace hilo
